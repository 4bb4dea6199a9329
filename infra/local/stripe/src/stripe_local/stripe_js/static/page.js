/** Messages to the shop's page, and calls of this server. */

export const query = new URLSearchParams(location.search);

/** Post a message to the shop's page. */
export function post(message) {
  parent.postMessage({...message, stripeLocal: query.get('id')}, query.get('origin'));
}

/** Call the API of this server, with the shop's publishable key. */
export async function call(path, fields) {
  const form = new URLSearchParams({key: query.get('key')});
  const put = (name, value) => {
    if (value === undefined || value === null || value === '') return;
    if (typeof value !== 'object') form.append(name, value);
    else for (const [inner, each] of Object.entries(value)) put(`${name}[${inner}]`, each);
  };
  for (const [name, value] of Object.entries(fields)) put(name, value);
  try {
    const response = await fetch(new URL(`..${path}`, location.href), {method: 'POST', body: form});
    return await response.json();
  } catch (error) {
    return {error: {type: 'api_connection_error', message: String(error)}};
  }
}
