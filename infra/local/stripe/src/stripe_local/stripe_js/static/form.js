/** The card form in a frame, which sends card details to this server only. */

import {COUNTRIES, ELEMENTS, FIELDS, POSTAL_COUNTRIES, brandOf, cardOf} from './fields.js';
import {applyAppearance} from './appearance.js';
import {call, post, query} from './page.js';
import {LANGUAGE, words} from './words.js';

const PEER_TIMEOUT_MS = 2000;
const TOKEN_FIELDS = [
  'name', 'address_line1', 'address_line2', 'address_city', 'address_state', 'address_zip',
  'address_country', 'currency',
];

const type = query.get('type');
const isPayment = type === 'payment';
/** The other frames of a split form, which share their values with this one. */
const peers = new BroadcastChannel(`stripe-local-${query.get('group')}`);

/** A labelled input, its error message, and whether the user has left it. */
class Field {
  constructor(name, onChange) {
    const {names, label, placeholder, autocomplete} = FIELDS[name];
    this.name = name;
    this.wasLeft = false;
    this.required = true;
    this.element = document.createElement('div');
    this.input = document.createElement('input');
    this.label = document.createElement('label');
    this.message = document.createElement('p');
    this.element.className = `Field ${name}${isPayment && name === 'number' ? ' wide' : ''}`;
    Object.assign(this.label, {className: 'Label', htmlFor: `field-${name}`, textContent: label});
    Object.assign(this.message, {className: 'Error', id: `error-${name}`});
    Object.assign(this.input, {
      autocomplete, className: 'Input', id: `field-${name}`, name: names[isPayment ? 'payment' : 'card'],
      placeholder, inputMode: name === 'postal' ? 'text' : 'numeric',
    });
    this.input.setAttribute('aria-describedby', this.message.id);
    this.input.setAttribute('aria-required', 'true');
    this.message.setAttribute('role', 'alert');
    this.element.append(this.label, this.input, this.message);
    this.#listen(onChange);
  }

  #listen(onChange) {
    const {parse, format} = FIELDS[this.name];
    this.input.addEventListener('input', () => {
      this.input.value = format(parse(this.input.value));
      onChange();
    });
    this.input.addEventListener('focus', () => emit('focus'));
    this.input.addEventListener('blur', () => {
      this.wasLeft = this.wasLeft || this.value !== '';
      emit('blur');
      onChange();
    });
    this.input.addEventListener('keydown', ({key}) => {
      if (key === 'Escape') emit('escape');
      if (key === 'Enter') post({type: 'submit'});
    });
  }

  get value() {
    return FIELDS[this.name].parse(this.input.value);
  }

  /** Return the problem, whether or not it is shown. */
  problem(values) {
    return this.required ? FIELDS[this.name].problem(this.value, values) : null;
  }

  /** Show a problem that typing more cannot fix, or any problem once the field was left. */
  show(problem) {
    const shown = problem && (problem.final || this.wasLeft) ? problem : null;
    this.input.classList.toggle('Input--invalid', Boolean(shown));
    this.input.classList.toggle('Input--complete', !problem && this.value !== '');
    this.input.setAttribute('aria-invalid', String(Boolean(shown)));
    this.message.textContent = shown?.message ?? '';
    return shown;
  }
}

function emit(name, details = {}) {
  post({type: 'event', name, event: {elementType: type, ...details}});
}

/** Render the form, and return the handlers of messages from the shop's page. */
export function showForm(root) {
  document.documentElement.lang = LANGUAGE;
  const fields = ELEMENTS[type].map((name) => new Field(name, () => emitChange()));
  const values = () => Object.fromEntries(fields.map((field) => [field.name, field.value]));
  const country = isPayment ? createCountrySelect(() => emitChange()) : null;
  render(root, fields, country);

  /** Return every field with its problem, and show the problems that are due. */
  function check() {
    const now = values();
    const postal = fields.find(({name}) => name === 'postal');
    if (postal && country) setPostal(postal, POSTAL_COUNTRIES.includes(country.value));
    return fields.map((field) => {
      const problem = field.problem(now);
      return {field, problem, shown: field.show(problem)};
    });
  }

  function emitChange() {
    const checked = check();
    const error = checked.find(({shown}) => shown)?.shown;
    emit('change', {
      complete: checked.every(({problem}) => !problem),
      empty: fields.every(({value}) => value === ''),
      ...(isPayment
        ? {collapsed: false, value: {type: 'card'}}
        : {
          brand: brandOf(values().number ?? ''),
          error: error && {type: 'validation_error', code: error.code, message: error.message},
          value: {postalCode: values().postal ?? ''},
        }),
    });
  }

  /** Show all problems, and return the first. */
  function showAllProblems() {
    for (const field of fields) field.wasLeft = true;
    const first = check().find(({problem}) => problem);
    emitChange();
    return first;
  }

  peers.addEventListener('message', ({data}) => {
    if (!data.ask) return;
    peers.postMessage({to: data.ask, values: values(), problem: showAllProblems()?.problem});
  });

  async function ask({question, command, details, frames}) {
    const own = showAllProblems();
    own?.field.input.focus();
    const others = await askPeers(isPayment || type === 'card' ? 0 : frames - 1, question);
    const problem = own?.problem ?? others.find((each) => each.problem)?.problem;
    const allValues = Object.assign(values(), ...others.map((each) => each.values));
    const result = problem
      ? {error: {type: 'validation_error', code: problem.code, message: problem.message}}
      : await COMMANDS[command](allValues, details, country?.value);
    post({type: 'answer', question, result});
  }

  return {
    ask,
    options: ({options, appearance}) => applyOptions(fields, country, options, appearance),
    focus: () => fields[0].input.focus(),
    blur: () => document.activeElement?.blur(),
    clear: () => {
      for (const field of fields) Object.assign(field, {wasLeft: false}).input.value = '';
      emitChange();
    },
  };
}

const COMMANDS = {
  validate: async () => ({}),

  token: (values, {data = {}}) => call('/v1/tokens', {
    card: {
      ...cardOf(values),
      address_zip: values.postal,
      ...Object.fromEntries(Object.entries(data).filter(([name]) => TOKEN_FIELDS.includes(name))),
    },
  }),

  paymentMethod: (values, {billing}, country) => call('/v1/payment_methods', {
    type: 'card', card: cardOf(values), billing_details: billingOf(values, billing, country),
  }),

  confirmationToken: (values, {billing, returnUrl}, country) => call('/v1/confirmation_tokens', {
    payment_method_data: {
      type: 'card', card: cardOf(values), billing_details: billingOf(values, billing, country),
    },
    return_url: returnUrl,
  }),
};

function billingOf(values, given = {}, country) {
  return {...given, address: {postal_code: values.postal, country, ...given.address}};
}

/** Ask the other frames of a split form for their values. */
function askPeers(count, question) {
  return new Promise((resolve) => {
    const replies = [];
    const finish = () => {
      peers.removeEventListener('message', listen);
      resolve(replies);
    };
    const listen = ({data}) => {
      if (data.to !== question) return;
      replies.push(data);
      if (replies.length >= count) finish();
    };
    if (count < 1) return finish();
    peers.addEventListener('message', listen);
    peers.postMessage({ask: question});
    setTimeout(finish, PEER_TIMEOUT_MS);
  });
}

function render(root, fields, country) {
  root.className = isPayment ? 'Form' : 'Line';
  const elements = fields.map(({element}) => element);
  if (country) {
    const note = document.createElement('p');
    Object.assign(note, {className: 'Note wide', textContent: words.note});
    elements.splice(3, 0, country.closest('.Field'));
    elements.unshift(note);
  }
  root.append(...elements);
}

function createCountrySelect(onChange) {
  const names = new Intl.DisplayNames([LANGUAGE], {type: 'region'});
  const element = document.createElement('div');
  const label = document.createElement('label');
  const select = document.createElement('select');
  element.className = 'Field country';
  Object.assign(label, {className: 'Label', htmlFor: 'field-country', textContent: words.country});
  Object.assign(select, {
    autocomplete: 'country', className: 'Input', id: 'field-country', name: 'country',
  });
  select.append(...COUNTRIES.map((code) => new Option(names.of(code), code)));
  select.addEventListener('change', onChange);
  element.append(label, select);
  return select;
}

function setPostal(field, isNeeded) {
  const shown = isNeeded && !field.isHidden;
  field.required = shown;
  field.element.hidden = !shown;
}

/** Choose the country of `defaultValues`, until the buyer has chosen one. */
function chooseDefault(select, code) {
  if (select.dataset.default === code || !COUNTRIES.includes(code)) return;
  select.dataset.default = code;
  select.value = code;
}

function applyOptions(fields, country, options, appearance) {
  applyAppearance(appearance, options.style);
  for (const {input} of fields) input.disabled = Boolean(options.disabled ?? options.readOnly);
  const address = options.fields?.billingDetails === 'never'
    ? 'never' : options.fields?.billingDetails?.address;
  const never = (name) => address === 'never' || address?.[name] === 'never';
  if (country) {
    country.closest('.Field').hidden = never('country');
    chooseDefault(country, options.defaultValues?.billingDetails?.address?.country);
  }
  const postal = fields.find(({name}) => name === 'postal');
  if (!postal) return;
  postal.isHidden = Boolean(options.hidePostalCode) || never('postalCode');
  setPostal(postal, !country || POSTAL_COUNTRIES.includes(country.value));
}
