/** The 3-D Secure challenge, which the buyer passes or fails. */

import {call, post, query} from './page.js';

function button(id, text, className, onClick) {
  const element = document.createElement('button');
  Object.assign(element, {id, className, textContent: text, type: 'button'});
  element.addEventListener('click', onClick);
  return element;
}

/** Render the challenge, and return the handlers of messages from the shop's page. */
export function showChallenge(root) {
  let isAnswered = false;
  const answer = async (outcome) => {
    if (isAnswered) return;
    isAnswered = true;
    const result = await call(`/_local/payment_intents/${query.get('intent')}/authenticate`, {
      client_secret: query.get('secret'), outcome,
    });
    post({type: 'challenged', result});
  };

  const heading = document.createElement('h1');
  heading.textContent = '3D Secure 2 test page (local Stripe)';
  const text = document.createElement('p');
  text.textContent = 'Your bank wants to make sure that it is you who pays.';
  const complete = button(
    'test-source-authorize-3ds', 'Complete', 'Complete', () => answer('success'));
  const fail = button('test-source-fail-3ds', 'Fail', 'Fail', () => answer('failure'));
  root.className = 'Challenge';
  root.append(heading, text, complete, fail);
  addEventListener('keydown', (event) => {
    if (event.key === 'Escape') answer('failure');
  });
  complete.focus();
  return {abandon: () => answer('failure')};
}
