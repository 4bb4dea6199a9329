/** The script of a frame: a card form, one field of it, or the 3-D Secure challenge. */

import {showChallenge} from './challenge.js';
import {showForm} from './form.js';
import {post, query} from './page.js';

/** Call the handler of each message from the shop's page. */
function listen(handlers) {
  addEventListener('message', ({source, origin, data}) => {
    const isFromShop = source === parent && origin === query.get('origin')
      && data?.stripeLocal === query.get('id');
    if (isFromShop) handlers[data.type]?.(data);
  });
}

const root = document.querySelector('main');
listen(query.get('type') === 'challenge' ? showChallenge(root) : showForm(root));

new ResizeObserver(() => post({type: 'size', height: root.scrollHeight})).observe(root);
post({type: 'ready'});
