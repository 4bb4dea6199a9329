/** The inside of a frame: a card form, one field of it, or the bank's page. */

import {showChallenge} from './challenge.js';
import {showForm} from './form.js';
import {post, query} from './page.js';

/** Do what the page around asks; `shown` has a method for each kind of message. */
function listenTo(shown) {
  addEventListener('message', ({source, origin, data}) => {
    const ours = source === parent && origin === query.get('origin')
      && data?.stripeLocal === query.get('id');
    if (ours) shown[data.type]?.(data);
  });
}

const root = document.querySelector('main');
listenTo(query.get('type') === 'challenge' ? showChallenge(root) : showForm(root));

new ResizeObserver(() => post({type: 'size', height: root.scrollHeight})).observe(root);
post({type: 'ready'});
