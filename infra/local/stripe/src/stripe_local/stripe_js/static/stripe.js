/**
 * A local Stripe.js for development and tests, with published test cards only.
 *
 * As with Stripe's, card details stay in frames of this script's origin; the shop's page gets ids.
 * Served at /v3/ and /<release train>/stripe.js.
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

  /** @type {Map<string, Frame>} the frames on this page, by the id in their messages */
  const frames = new Map();

  addEventListener('message', (event) => {
    const frame = event.origin === ORIGIN && frames.get(event.data?.stripeLocal);
    if (frame && event.source === frame.iframe.contentWindow) frame.receive(event.data);
  });

  /** An iframe of this server, and the messages to and from it. */
  class Frame {
    constructor(query, title, onMessage) {
      this.id = nextId();
      this.onMessage = onMessage;
      this.isLoaded = false;
      this.queued = [];
      this.iframe = document.createElement('iframe');
      this.iframe.name = `__privateStripeFrame-${this.id}`;
      this.iframe.title = title;
      this.iframe.src = `${BASE}/elements/frame.html?${new URLSearchParams({
        ...query, id: this.id, origin: location.origin,
      })}`;
      // A frame is transparent only if its colour scheme is that of its document.
      Object.assign(this.iframe.style, {
        border: '0', display: 'block', width: '100%', height: '1.2em', colorScheme: 'light',
      });
      frames.set(this.id, this);
    }

    receive(message) {
      if (message.type === 'ready') {
        this.isLoaded = true;
        for (const queued of this.queued.splice(0)) this.post(queued);
      }
      this.onMessage(message);
    }

    post(message) {
      if (!this.isLoaded) this.queued.push(message);
      else this.iframe.contentWindow?.postMessage({...message, stripeLocal: this.id}, ORIGIN);
    }

    remove() {
      frames.delete(this.id);
      this.iframe.remove();
    }
  }

  /* ---- elements ---------------------------------------------------------------------------- */

  /** A card form, or one field of it, in the shop's page. */
  class Element {
    constructor(group, type, options = {}) {
      this._group = group;
      this._type = type;
      this._options = options;
      this._listeners = new Map();
      this._answers = new Map();
      this._frame = null;
      this._isDestroyed = false;
    }

    mount(target) {
      const host = typeof target === 'string' ? document.querySelector(target) : target;
      if (this._isDestroyed) {
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
        {
          type: this._type, group: this._group._id, key: this._group._stripe._key,
          locale: this._group._locale(),
        },
        this._group._locale().startsWith('de')
          ? 'Sicherer Eingaberahmen für Zahlungen' : `Secure ${what} input frame`,
        (message) => this._receive(message),
      );
      if (this._type === 'payment') { // as Stripe's: space for focus outlines
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
      this._isDestroyed = true;
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
          type: 'ask', question, command, details, frames: this._group._mountedCount(),
        });
      });
    }

    _emit(name, event) {
      for (const listener of this._listeners.get(name) ?? []) listener(event);
    }

    _sendOptions() {
      this._frame?.post({
        type: 'options',
        options: withoutFunctions(this._options),
        appearance: this._group._appearance(),
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
          this._updateClassNames(message.name, message.event);
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

    /** Update the class names of the host, which shops use for styling. */
    _updateClassNames(name, event) {
      const classes = this._host.classList;
      if (name === 'focus' || name === 'blur') classes.toggle('StripeElement--focus', name === 'focus');
      if (name !== 'change') return;
      classes.toggle('StripeElement--complete', event.complete);
      classes.toggle('StripeElement--empty', event.empty);
      classes.toggle('StripeElement--invalid', Boolean(event.error));
    }
  }

  /** The elements of one form, which share values and appearance. */
  class Elements {
    constructor(stripe, options = {}) {
      this._stripe = stripe;
      this._options = options;
      this._elements = new Map();
      this._id = `${nextId()}-${Math.random().toString(36).slice(2)}`;
      this._isSubmitted = false;
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

    /** @param type the name, or the React component of that type */
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
      this._isSubmitted = !error;
      return error ? {error} : {selectedPaymentMethod: 'card'};
    }

    _locale() {
      return (this._options.locale ?? 'auto').replace('auto', navigator.language);
    }

    _appearance() {
      return withoutFunctions(this._options.appearance ?? {});
    }

    _mountedCount() {
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

  /** Return options without functions, which cannot be posted. */
  const withoutFunctions = (options) => JSON.parse(JSON.stringify(options));

  /* ---- the API ----------------------------------------------------------------------------- */

  /** Encode fields in the notation of the API: `a[b]=c`. */
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
    const url = BASE + path;
    try {
      const response = await (method === 'GET'
        ? fetch(`${url}?${form}`)
        : fetch(url, {method, body: form}));
      return await response.json();
    } catch (error) {
      return {error: {type: 'api_connection_error', message: String(error)}};
    }
  }

  function intentId(clientSecret) {
    const found = /^(pi_\w+?)_secret_/.exec(clientSecret ?? '');
    if (!found) {
      throw new Error('Invalid value for clientSecret: value should be a client_secret string.');
    }
    return found[1];
  }

  /** Return `{name: result}` or `{error}`, as the methods of Stripe.js do. */
  const toOutcome = (name, result) => (result.error ? {error: result.error} : {[name]: result});

  const notSubmittedError = (method) => ({error: {
    type: 'invalid_request_error',
    message: `elements.submit() must be called before stripe.${method}().`,
  }});

  /* ---- 3-D Secure --------------------------------------------------------------------- */

  /** Show the challenge in a dialog; resolves to the intent after it. */
  function showChallenge(key, clientSecret) {
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

  /** Finish an intent: show its challenge, if there is one. */
  async function finish(key, clientSecret, intent) {
    let latest = intent;
    if (latest.status === 'requires_action') latest = await showChallenge(key, clientSecret);
    if (latest.error) return {error: latest.error};
    if (latest.status === 'requires_payment_method' && latest.last_payment_error) {
      return {error: {...latest.last_payment_error, payment_intent: latest}};
    }
    return {paymentIntent: latest};
  }

  function redirectTo(returnUrl, intent, clientSecret) {
    const target = new URL(returnUrl);
    target.searchParams.set('payment_intent', intent.id);
    target.searchParams.set('payment_intent_client_secret', clientSecret);
    target.searchParams.set('redirect_status', intent.status);
    location.assign(target);
    return new Promise(() => {}); // never resolves, because the page is left
  }

  /* ---- Stripe() ---------------------------------------------------------------------------- */

  function Stripe(key) {
    if (!/^pk_test_/.test(key ?? '')) {
      throw new Error('The local Stripe.js takes only pk_test_ keys.');
    }

    const retrieve = (clientSecret) => request(
      'GET', `/v1/payment_intents/${intentId(clientSecret)}`, {key, client_secret: clientSecret});

    const confirm = async (clientSecret, fields) => finish(key, clientSecret, await request(
      'POST', `/v1/payment_intents/${intentId(clientSecret)}/confirm`,
      {key, client_secret: clientSecret, use_stripe_sdk: true, ...fields}));

    /** Return the parameter to confirm with, made from the form unless given. */
    async function paymentMethodParam({elements, confirmParams = {}}) {
      const {confirmation_token: token, payment_method: method} = confirmParams;
      if (token) return {confirmation_token: token};
      if (typeof method === 'string') return {payment_method: method};
      if (!elements._options.clientSecret && !elements._isSubmitted) {
        return notSubmittedError('confirmPayment');
      }
      const created = await elements.getElement('payment')._ask(
        'paymentMethod', {billing: confirmParams.payment_method_data?.billing_details});
      return created.error ? created : {payment_method: created.id};
    }

    const stripe = {
      _key: key,
      _registerWrapper() {},
      registerAppInfo() {},

      elements: (options) => new Elements(stripe, options),

      async createToken(element, data) {
        return toOutcome('token', await element._ask('token', {data}));
      },

      async createPaymentMethod({elements, card, billing_details: billing, params}) {
        const element = elements ? elements.getElement('payment') : card;
        return toOutcome('paymentMethod', await element._ask(
          'paymentMethod', {billing: billing ?? params?.billing_details}));
      },

      async createConfirmationToken({elements, params}) {
        if (!elements._isSubmitted) return notSubmittedError('createConfirmationToken');
        return toOutcome('confirmationToken', await elements.getElement('payment')._ask(
          'confirmationToken', {
            billing: params?.payment_method_data?.billing_details,
            returnUrl: params?.return_url,
          }));
      },

      async retrievePaymentIntent(clientSecret) {
        return toOutcome('paymentIntent', await retrieve(clientSecret));
      },

      async handleNextAction({clientSecret}) {
        return finish(key, clientSecret, await retrieve(clientSecret));
      },

      async handleCardAction(clientSecret) {
        return stripe.handleNextAction({clientSecret});
      },

      async confirmCardPayment(clientSecret, {payment_method: method} = {}) {
        if (!(method?.card instanceof Element)) {
          return confirm(clientSecret, {payment_method: method});
        }
        const created = await method.card._ask('paymentMethod', {billing: method.billing_details});
        return created.error
          ? {error: created.error}
          : confirm(clientSecret, {payment_method: created.id});
      },

      async confirmPayment(options) {
        const {elements, confirmParams, redirect} = options;
        const clientSecret = options.clientSecret ?? elements._options.clientSecret;
        const method = await paymentMethodParam(options);
        if (method.error) return {error: method.error};
        const returnUrl = confirmParams?.return_url;
        const result = await confirm(clientSecret, {...method, return_url: returnUrl});
        if (result.error || redirect === 'if_required' || !returnUrl) return result;
        return redirectTo(returnUrl, result.paymentIntent, clientSecret);
      },
    };
    return stripe;
  }

  Stripe.version = TRAIN === 'v3' ? 3 : TRAIN;
  window.Stripe = Stripe;
})();
