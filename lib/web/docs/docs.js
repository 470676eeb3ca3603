/* global SwaggerUIBundle */

/** Swagger UI has dark colours, and leaves it to the page when to use them. */
const dark = matchMedia('(prefers-color-scheme: dark)');
const followScheme = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', followScheme);
followScheme();

/**
 * Changes what keyboards and screen readers stumble over: a link within the button of each operation, choices without a
 * label, and a list of servers that has one entry.
 */
const accessibility = () => ({
  wrapComponents: {
    DeepLink:
      (_original, { React }) =>
      ({ text }) =>
        React.createElement('span', null, text),
    Select: (Original, { React }) => {
      const label = React.createElement('span', { className: 'unseen' }, 'Value');
      return (props) => React.createElement('label', null, label, React.createElement(Original, props));
    },
    ServersContainer: () => () => null,
  },
});

SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#api',
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  tryItOutEnabled: false,
  plugins: [accessibility],
  // Nothing is asked of other machines.
  validatorUrl: null,
});
