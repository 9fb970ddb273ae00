// Shows the document of this page, or with ?service= that of one service. Nothing is asked of anybody but this server.
const place = document.getElementById('docs');
const url = new URL(place.dataset.document, location.href);
const service = new URLSearchParams(location.search).get('service');
if (service) url.searchParams.set('service', service);

SwaggerUIBundle({
  dom_id: '#docs',
  url: url.href,
  validatorUrl: null,
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  queryConfigEnabled: false,
  tryItOutEnabled: false,
  presets: [SwaggerUIBundle.presets.apis],
});
