/**
 * A stand-in for Stripe.js, for development and for tests: published test cards only.
 *
 * As with the real one, what the buyer types stays in frames of this script's origin; the shop's
 * page gets ids. Served at /v3/ and /<release train>/stripe.js.
 */
(() => {
  'use strict';

  const SCRIPT = new URL(document.currentScript.src);
  const [, PREFIX, TRAIN] = /^(.*)\/(\w+)\/(?:stripe\.js)?$/.exec(SCRIPT.pathname);
  const ORIGIN = SCRIPT.origin;
  const BASE = ORIGIN + PREFIX;
  const ELEMENT_TYPES = ['card', 'cardNumber', 'cardExpiry', 'cardCvc', 'payment'];

  let counter = 0;
  const nextId = () => `stripe-local-${++counter}`;

  /* ---- frames ------------------------------------------------------------------------------ */

  /** @type {Map<string, Frame>} the frames on this page, by the id they sign messages with */
  const frames = new Map();

  addEventListener('message', (event) => {
    const frame = event.origin === ORIGIN && frames.get(event.data?.stripeLocal);
    if (frame && event.source === frame.iframe.contentWindow) frame.receive(event.data);
  });

  /** One iframe of this server, and the messages that go to and come from it. */
  class Frame {
    constructor(query, title, onMessage) {
      this.id = nextId();
      this.onMessage = onMessage;
      this.loaded = false;
      this.waiting = [];
      this.iframe = document.createElement('iframe');
      this.iframe.name = `__privateStripeFrame-${this.id}`;
      this.iframe.title = title;
      this.iframe.src = `${BASE}/elements/frame.html?${new URLSearchParams({
        ...query, id: this.id, origin: location.origin,
      })}`;
      // A frame is see-through only where its colour scheme is the one of its document.
      Object.assign(this.iframe.style, {
        border: '0', display: 'block', width: '100%', height: '1.2em', colorScheme: 'light',
      });
      frames.set(this.id, this);
    }

    receive(message) {
      if (message.type === 'ready') {
        this.loaded = true;
        for (const early of this.waiting.splice(0)) this.post(early);
      }
      this.onMessage(message);
    }

    post(message) {
      if (!this.loaded) this.waiting.push(message);
      else this.iframe.contentWindow?.postMessage({...message, stripeLocal: this.id}, ORIGIN);
    }

    remove() {
      frames.delete(this.id);
      this.iframe.remove();
    }
  }

  /* ---- elements ---------------------------------------------------------------------------- */

  /** A card form, or one field of it, mounted in the shop's page. */
  class Element {
    constructor(group, type, options = {}) {
      this._group = group;
      this._type = type;
      this._options = options;
      this._listeners = new Map();
      this._answers = new Map();
      this._frame = null;
      this._destroyed = false;
    }

    mount(target) {
      const host = typeof target === 'string' ? document.querySelector(target) : target;
      if (this._destroyed) {
        throw new Error('This Element has already been destroyed. Please create a new one.');
      }
      if (!host) {
        throw new Error(
          'The selector you specified applies to no DOM elements that are currently on the page.');
      }
      const what = this._type === 'payment' ? 'payment' : 'card payment';
      this.unmount();
      this._host = host;
      this._ready = new Promise((resolve) => { this._onReady = resolve; });
      this._frame = new Frame(
        {type: this._type, group: this._group._id, key: this._group._stripe._key},
        `Secure ${what} input frame`,
        (message) => this._receive(message),
      );
      if (this._type === 'payment') { // as Stripe's: room for focus rings, fields flush with the form
        Object.assign(this._frame.iframe.style, {margin: '-4px', width: 'calc(100% + 8px)'});
      }
      host.classList.add('StripeElement');
      host.replaceChildren(this._frame.iframe);
      this._emit('loaderstart', {elementType: this._type});
      return this;
    }

    update(options) {
      Object.assign(this._options, options);
      this._sendOptions();
      return this;
    }

    focus() {
      this._frame?.post({type: 'focus'});
      return this;
    }

    blur() {
      this._frame?.post({type: 'blur'});
      return this;
    }

    clear() {
      this._frame?.post({type: 'clear'});
      return this;
    }

    collapse() {
      return this;
    }

    unmount() {
      if (!this._frame) return this;
      this._frame.remove();
      this._frame = null;
      this._host.classList.remove(
        'StripeElement', 'StripeElement--complete', 'StripeElement--empty',
        'StripeElement--focus', 'StripeElement--invalid');
      return this;
    }

    destroy() {
      this.unmount();
      this._destroyed = true;
      this._group._elements.delete(this._type);
      return this;
    }

    on(name, listener) {
      this._listeners.set(name, [...(this._listeners.get(name) ?? []), listener]);
      return this;
    }

    once(name, listener) {
      const only = (event) => {
        this.off(name, only);
        listener(event);
      };
      return this.on(name, only);
    }

    off(name, listener) {
      const kept = (this._listeners.get(name) ?? []).filter((each) => listener && each !== listener);
      this._listeners.set(name, kept);
      return this;
    }

    /** Have the frame do something with what was typed; resolves to its answer. */
    async _ask(command, details = {}) {
      if (!this._frame) {
        throw new Error(
          'We could not retrieve data from the specified Element. Please make sure the Element ' +
          'you are attempting to use is still mounted.');
      }
      await this._ready;
      const question = nextId();
      return new Promise((resolve) => {
        this._answers.set(question, resolve);
        this._frame.post({
          type: 'ask', question, command, details, frames: this._group._mounted(),
        });
      });
    }

    _emit(name, event) {
      for (const listener of this._listeners.get(name) ?? []) listener(event);
    }

    _sendOptions() {
      this._frame?.post({
        type: 'options', options: plain(this._options), appearance: this._group._appearance(),
      });
    }

    _receive(message) {
      switch (message.type) {
        case 'ready':
          this._sendOptions();
          this._onReady();
          this._emit('ready', {elementType: this._type});
          break;
        case 'size':
          this._frame.iframe.style.height = `${message.height}px`;
          break;
        case 'event':
          this._mark(message.name, message.event);
          this._emit(message.name, message.event);
          break;
        case 'submit':
          this._host.closest('form')?.requestSubmit();
          break;
        case 'answer':
          this._answers.get(message.question)?.(message.result);
          this._answers.delete(message.question);
          break;
      }
    }

    /** Keep the class names on the host by which shops style it. */
    _mark(name, event) {
      const marks = this._host.classList;
      if (name === 'focus' || name === 'blur') marks.toggle('StripeElement--focus', name === 'focus');
      if (name !== 'change') return;
      marks.toggle('StripeElement--complete', event.complete);
      marks.toggle('StripeElement--empty', event.empty);
      marks.toggle('StripeElement--invalid', Boolean(event.error));
    }
  }

  /** The elements of one form: they share what was typed, and how they look. */
  class Elements {
    constructor(stripe, options = {}) {
      this._stripe = stripe;
      this._options = options;
      this._elements = new Map();
      this._id = `${nextId()}-${Math.random().toString(36).slice(2)}`;
      this._submitted = false;
      checkElementsOptions(options);
    }

    create(type, options) {
      if (!ELEMENT_TYPES.includes(type)) {
        throw new Error(
          `A valid Element name must be provided. This local server has: ` +
          `${ELEMENT_TYPES.join(', ')}; you passed: ${type}.`);
      }
      if (this._elements.has(type)) {
        throw new Error(`Can only create one Element of type ${type} through an Elements instance.`);
      }
      if (type === 'payment' && !this._options.clientSecret && !this._options.mode) {
        throw new Error(
          'In order to create a payment element, you must pass a clientSecret or mode when ' +
          'creating the Elements group.');
      }
      const element = new Element(this, type, options);
      this._elements.set(type, element);
      return element;
    }

    /** @param type its name, or React's component for it */
    getElement(type) {
      return this._elements.get(type?.__elementType ?? type) ?? null;
    }

    update(options) {
      Object.assign(this._options, options);
      for (const element of this._elements.values()) element._sendOptions();
    }

    async fetchUpdates() {
      return {};
    }

    async submit() {
      const element = this.getElement('payment');
      if (!element) throw new Error('elements.submit() needs a payment Element.');
      const {error} = await element._ask('validate');
      this._submitted = !error;
      return error ? {error} : {selectedPaymentMethod: 'card'};
    }

    _appearance() {
      return plain(this._options.appearance ?? {});
    }

    _mounted() {
      return [...this._elements.values()].filter((element) => element._frame).length;
    }
  }

  function checkElementsOptions({paymentMethodTypes, mode, amount, currency}) {
    if (paymentMethodTypes) {
      throw new Error('paymentMethodTypes is no longer supported: use allowedPaymentMethodTypes.');
    }
    if (mode === 'payment' && (!Number.isInteger(amount) || !currency)) {
      throw new Error(
        'elements(): mode payment needs an amount, in the smallest unit, and a currency.');
    }
  }

  /** Options as they can be posted: without functions. */
  const plain = (options) => JSON.parse(JSON.stringify(options));

  /* ---- the API ----------------------------------------------------------------------------- */

  /** A form in the API's notation: `a[b]=c`. */
  function encode(fields) {
    const form = new URLSearchParams();
    const put = (name, value) => {
      if (value === undefined || value === null) return;
      if (typeof value !== 'object') form.append(name, value);
      else for (const [key, inner] of Object.entries(value)) put(`${name}[${key}]`, inner);
    };
    for (const [name, value] of Object.entries(fields)) put(name, value);
    return form;
  }

  async function request(method, path, fields) {
    const form = encode(fields);
    const address = BASE + path;
    try {
      const answer = await (method === 'GET'
        ? fetch(`${address}?${form}`)
        : fetch(address, {method, body: form}));
      return await answer.json();
    } catch (problem) {
      return {error: {type: 'api_connection_error', message: String(problem)}};
    }
  }

  function intentId(clientSecret) {
    const found = /^(pi_\w+?)_secret_/.exec(clientSecret ?? '');
    if (!found) {
      throw new Error('Invalid value for clientSecret: value should be a client_secret string.');
    }
    return found[1];
  }

  /** `{name: result}`, or `{error}`: what the methods of Stripe.js resolve to. */
  const outcome = (name, result) => (result.error ? {error: result.error} : {[name]: result});

  const unsubmitted = (method) => ({error: {
    type: 'invalid_request_error',
    message: `elements.submit() must be called before stripe.${method}().`,
  }});

  /* ---- the bank's page --------------------------------------------------------------------- */

  /** Show the 3-D Secure challenge over the page; resolves to the intent after it. */
  function challenge(key, clientSecret) {
    return new Promise((resolve) => {
      const dialog = document.createElement('dialog');
      const frame = new Frame(
        {type: 'challenge', key, intent: intentId(clientSecret), secret: clientSecret},
        '3D Secure',
        (message) => {
          if (message.type !== 'challenged') return;
          frame.remove();
          dialog.close();
          dialog.remove();
          resolve(message.result);
        },
      );
      frame.iframe.name = `__privateStripeFrame3ds-${frame.id}`;
      frame.iframe.style.height = '260px';
      dialog.setAttribute('aria-label', '3D Secure');
      Object.assign(dialog.style, {
        width: 'min(420px, 90vw)', margin: 'auto', padding: '0', border: '0',
        borderRadius: '10px', overflow: 'hidden', background: '#fff',
      });
      dialog.addEventListener('cancel', (event) => {
        event.preventDefault();
        frame.post({type: 'abandon'});
      });
      dialog.append(frame.iframe);
      document.body.append(dialog);
      dialog.showModal();
      frame.iframe.focus();
    });
  }

  /** Take an intent through its challenge, if it has one, to its end. */
  async function conclude(key, clientSecret, intent) {
    let latest = intent;
    if (latest.status === 'requires_action') latest = await challenge(key, clientSecret);
    if (latest.error) return {error: latest.error};
    if (latest.status === 'requires_payment_method' && latest.last_payment_error) {
      return {error: {...latest.last_payment_error, payment_intent: latest}};
    }
    return {paymentIntent: latest};
  }

  function returnTo(address, intent, clientSecret) {
    const target = new URL(address);
    target.searchParams.set('payment_intent', intent.id);
    target.searchParams.set('payment_intent_client_secret', clientSecret);
    target.searchParams.set('redirect_status', intent.status);
    location.assign(target);
    return new Promise(() => {}); // as with the real one, the page ends here
  }

  /* ---- Stripe() ---------------------------------------------------------------------------- */

  function Stripe(key) {
    if (!/^pk_test_/.test(key ?? '')) {
      throw new Error('The local stand-in for Stripe.js takes only pk_test_ keys.');
    }

    const retrieve = (clientSecret) => request(
      'GET', `/v1/payment_intents/${intentId(clientSecret)}`, {key, client_secret: clientSecret});

    const confirm = async (clientSecret, fields) => conclude(key, clientSecret, await request(
      'POST', `/v1/payment_intents/${intentId(clientSecret)}/confirm`,
      {key, client_secret: clientSecret, use_stripe_sdk: true, ...fields}));

    /** What to confirm with: something that was made before, or what the form holds now. */
    async function methodFor({elements, confirmParams = {}}) {
      const {confirmation_token: token, payment_method: method} = confirmParams;
      if (token) return {confirmation_token: token};
      if (typeof method === 'string') return {payment_method: method};
      if (!elements._options.clientSecret && !elements._submitted) {
        return unsubmitted('confirmPayment');
      }
      const made = await elements.getElement('payment')._ask(
        'paymentMethod', {billing: confirmParams.payment_method_data?.billing_details});
      return made.error ? made : {payment_method: made.id};
    }

    const stripe = {
      _key: key,
      _registerWrapper() {},
      registerAppInfo() {},

      elements: (options) => new Elements(stripe, options),

      async createToken(element, data) {
        return outcome('token', await element._ask('token', {data}));
      },

      async createPaymentMethod({elements, card, billing_details: billing, params}) {
        const element = elements ? elements.getElement('payment') : card;
        return outcome('paymentMethod', await element._ask(
          'paymentMethod', {billing: billing ?? params?.billing_details}));
      },

      async createConfirmationToken({elements, params}) {
        if (!elements._submitted) return unsubmitted('createConfirmationToken');
        return outcome('confirmationToken', await elements.getElement('payment')._ask(
          'confirmationToken', {
            billing: params?.payment_method_data?.billing_details,
            returnUrl: params?.return_url,
          }));
      },

      async retrievePaymentIntent(clientSecret) {
        return outcome('paymentIntent', await retrieve(clientSecret));
      },

      async handleNextAction({clientSecret}) {
        return conclude(key, clientSecret, await retrieve(clientSecret));
      },

      async handleCardAction(clientSecret) {
        return stripe.handleNextAction({clientSecret});
      },

      async confirmCardPayment(clientSecret, {payment_method: method} = {}) {
        if (!(method?.card instanceof Element)) {
          return confirm(clientSecret, {payment_method: method});
        }
        const made = await method.card._ask('paymentMethod', {billing: method.billing_details});
        return made.error ? {error: made.error} : confirm(clientSecret, {payment_method: made.id});
      },

      async confirmPayment(options) {
        const {elements, confirmParams, redirect} = options;
        const clientSecret = options.clientSecret ?? elements._options.clientSecret;
        const method = await methodFor(options);
        if (method.error) return {error: method.error};
        const address = confirmParams?.return_url;
        const result = await confirm(clientSecret, {...method, return_url: address});
        if (result.error || redirect === 'if_required' || !address) return result;
        return returnTo(address, result.paymentIntent, clientSecret);
      },
    };
    return stripe;
  }

  Stripe.version = TRAIN === 'v3' ? 3 : TRAIN;
  window.Stripe = Stripe;
})();
