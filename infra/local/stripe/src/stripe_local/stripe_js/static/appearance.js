/** Styling of a form: `appearance` of the group, and `style` of a card element. */

const STATES = '(--invalid)?(:focus|:hover|:disabled|::placeholder)?';
const STYLABLE = new RegExp(`^\\.(Input|Label|Error)${STATES}$`);
const BASE_STYLES = [
  'color', 'fontFamily', 'fontSize', 'fontSmoothing', 'fontStyle', 'fontVariant', 'fontWeight',
  'letterSpacing', 'lineHeight', 'textAlign', 'textDecoration', 'textShadow', 'textTransform',
];

const sheet = new CSSStyleSheet();
document.adoptedStyleSheets = [sheet];

const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Add a rule; values are set through the object model, so that they cannot inject CSS. */
function addRule(selector, styles) {
  const {style} = sheet.cssRules[sheet.insertRule(`${selector} {}`, sheet.cssRules.length)];
  for (const [name, value] of Object.entries(styles)) {
    if (typeof value !== 'object') style.setProperty(kebab(name), String(value));
  }
}

function pick(names, styles = {}) {
  return Object.fromEntries(Object.entries(styles).filter(([name]) => names.includes(name)));
}

/** Apply `elements({appearance})` and the element's own `style`. */
export function applyAppearance({theme, variables = {}, rules = {}}, style = {}) {
  sheet.replaceSync('');
  document.documentElement.dataset.theme = theme ?? 'stripe';
  for (const [name, value] of Object.entries(variables)) {
    document.documentElement.style.setProperty(`--${name}`, String(value));
  }
  for (const [selector, styles] of Object.entries(rules)) {
    if (STYLABLE.test(selector)) addRule(selector, styles);
  }
  const {base = {}, complete = {}, invalid = {}} = style;
  addRule('.Line .Input', pick(BASE_STYLES, base));
  addRule('.Line .Input::placeholder', pick(BASE_STYLES, base['::placeholder']));
  addRule('.Line .Input--complete', pick(BASE_STYLES, complete));
  addRule('.Line .Input--invalid', pick(BASE_STYLES, invalid));
}
