/** The bank's page: the buyer passes the 3-D Secure challenge, or fails it. */

import {call, post, query} from './page.js';

function button(id, text, className, onClick) {
  const made = document.createElement('button');
  Object.assign(made, {id, className, textContent: text, type: 'button'});
  made.addEventListener('click', onClick);
  return made;
}

/** Put the page into the frame. */
export function showChallenge(root) {
  let answered = false;
  const answer = async (outcome) => {
    if (answered) return;
    answered = true;
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
