// Shows the API document. Whatever comes from a server is set as text, never as markup.
"use strict";

const METHODS = ["get", "head", "post", "put", "patch", "delete"];
const LONGEST_ANSWER = 200_000;
let api;

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== undefined && child !== null));
  return made;
}

// What a `$ref` stands for.
function resolve(value) {
  if (!value?.$ref) return value;
  return value.$ref.slice(2).split("/").reduce((at, key) => at?.[key], api);
}

function schemaLink(reference) {
  const name = reference.split("/").pop();
  return element("a", { href: `#schema-${name}` }, name);
}

// A schema in a few words, as nodes.
function typeOf(schema) {
  if (!schema || schema === true) return ["anything"];
  if (schema.$ref) return [schemaLink(schema.$ref)];
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.flatMap((choice, n) => [n ? " or " : "", ...typeOf(choice)]);
  if (schema.enum) return [schema.enum.map((value) => JSON.stringify(value)).join(" | ")];
  if ("const" in schema) return [JSON.stringify(schema.const)];
  const kinds = [schema.type ?? "anything"].flat();
  return kinds.flatMap((kind, n) => {
    const or = n ? " or " : "";
    if (kind === "array") return [or, "list of ", ...typeOf(schema.items)];
    if (kind === "object" && typeof schema.additionalProperties === "object") {
      return [or, "map of ", ...typeOf(schema.additionalProperties)];
    }
    return [or, schema.format && kind !== "null" ? `${kind} (${schema.format})` : kind];
  });
}

function bounds(schema) {
  const parts = [];
  if (schema?.minimum !== undefined) parts.push(`from ${schema.minimum}`);
  if (schema?.maximum !== undefined) parts.push(`to ${schema.maximum}`);
  if (schema?.default !== undefined && schema.default !== null && schema.default !== "") {
    parts.push(`default ${JSON.stringify(schema.default)}`);
  }
  return parts.length ? ` ${parts.join(", ")}` : "";
}

function table(heads, rows) {
  const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)));
  const lines = rows.map((cells) =>
    element("tr", {}, ...cells.map((cell) => element("td", {}, ...[cell].flat()))));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...lines));
}

function properties(schema) {
  const rows = Object.entries(schema.properties ?? {}).map(([name, property]) => [
    element("code", {}, name),
    [...typeOf(property), bounds(property)],
    schema.required?.includes(name) ? "always" : "",
    property.description ?? "",
  ]);
  return rows.length ? table(["Property", "Type", "There", ""], rows) : undefined;
}

function parametersOf(operation) {
  return (operation.parameters ?? []).map(resolve);
}

function describe(operation, method, path) {
  const body = element("div", {}, element("p", {}, operation.description ?? ""));
  const parameters = parametersOf(operation);
  body.append(element("h3", {}, "Parameters"), table(
    ["Name", "In", "Type", ""],
    parameters.map((parameter) => [
      [element("code", {}, parameter.name), parameter.required ? " (required)" : ""],
      parameter.in,
      [...typeOf(parameter.schema), bounds(parameter.schema)],
      parameter.description ?? "",
    ]),
  ));
  const wanted = operation.requestBody?.content?.["application/json"]?.schema;
  if (wanted) {
    body.append(element("h3", {}, "Body: ", ...typeOf(wanted)), properties(resolve(wanted)) ?? "");
  }
  body.append(element("h3", {}, "Answers"), table(
    ["Status", "Content", ""],
    Object.entries(operation.responses).map(([status, response]) => {
      const answer = resolve(response);
      const content = Object.entries(answer.content ?? {}).flatMap(([kind, { schema }]) =>
        kind === "application/json" ? typeOf(schema) : [kind]);
      return [status, content, answer.description ?? ""];
    }),
  ));
  if (method === "get") body.append(element("h3", {}, "Try it"), tryForm(parameters, path));
  return body;
}

function tryForm(parameters, path) {
  const asked = parameters.filter((parameter) => parameter.in !== "header");
  const fields = asked.map((parameter) => {
    const input = element("input", { autocomplete: "off", spellcheck: "false" });
    if (parameter.required) input.required = true;
    return [parameter, input];
  });
  const result = element("div", { "aria-live": "polite" });
  const form = element(
    "form",
    { class: "try" },
    ...fields.flatMap(([parameter, input]) => {
      input.id = `${path}?${parameter.name}`;
      return [element("label", { for: input.id }, parameter.name), input];
    }),
    element("button", { type: "submit" }, "Send"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(address(path, fields), result);
  });
  return element("div", {}, form, result);
}

function address(path, fields) {
  const query = new URLSearchParams();
  let filled = path;
  for (const [parameter, input] of fields) {
    if (parameter.in === "path") {
      const once = encodeURIComponent(input.value);
      // The slashes of a repository's name are encoded twice.
      const value = parameter.name === "repository_name" ? encodeURIComponent(once) : once;
      filled = filled.replace(`{${parameter.name}}`, () => value);
    } else if (input.value !== "") {
      query.set(parameter.name, input.value);
    }
  }
  const base = api.servers?.[0]?.url ?? "";
  return base + filled + (query.size ? `?${query}` : "");
}

function authorization() {
  const user = document.getElementById("user").value;
  if (!user) return {};
  const pair = new TextEncoder().encode(`${user}:${document.getElementById("password").value}`);
  return { Authorization: `Basic ${btoa(String.fromCharCode(...pair))}` };
}

async function send(url, result) {
  result.replaceChildren(element("p", { class: "quiet" }, `GET ${url}`));
  try {
    const answer = await fetch(url, { headers: authorization(), redirect: "manual" });
    const text = await answer.text();
    let shown = text;
    try {
      shown = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      // Not JSON: shown as it is.
    }
    if (shown.length > LONGEST_ANSWER) shown = `${shown.slice(0, LONGEST_ANSWER)}\n…`;
    const notes = ["x-total-count", "link", "x-request-id"]
      .map((name) => [name, answer.headers.get(name)])
      .filter(([, value]) => value !== null)
      .map(([name, value]) => `${name}: ${value}`);
    result.append(
      element("p", {}, `${answer.status} ${answer.statusText}`),
      element("p", { class: "quiet" }, notes.join(" · ")),
      element("pre", { tabindex: "0" }, shown),
    );
  } catch (error) {
    result.append(element("p", {}, `The server was not reached: ${error.message}`));
  }
}

// A part that is filled when it is first opened.
function folded(id, head, fill, text) {
  const details = element("details", { id }, head);
  details.dataset.text = text.toLowerCase();
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(fill());
  });
  return details;
}

function operationPart(method, path, operation) {
  const head = element(
    "summary",
    { class: operation.deprecated ? "deprecated" : "" },
    element("span", { class: `method ${method}` }, method.toUpperCase()),
    element("code", {}, path),
    element("span", { class: "quiet" }, operation.summary ?? ""),
  );
  const text = [method, path, operation.operationId, operation.summary].join(" ");
  return folded(operation.operationId, head, () => describe(operation, method, path), text);
}

function schemaPart(name, schema) {
  const head = element("summary", {}, element("code", {}, name),
    element("span", { class: "quiet" }, schema.description ?? ""));
  const fill = () => element("div", {}, properties(schema) ?? element("p", {}, ...typeOf(schema)));
  return folded(`schema-${name}`, head, fill, `${name} ${schema.description ?? ""}`);
}

function group(title, id, parts) {
  const section = element("section", {}, element("h2", { id }, title), ...parts);
  const link = element("a", { href: `#${id}` }, title);
  document.getElementById("groups").append(link);
  document.getElementById("operations").append(section);
  section.link = link;
}

function show() {
  document.getElementById("version").textContent = api.info.version;
  const groups = new Map((api.tags ?? []).map((tag) => [tag.name, []]));
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((name) => methods[name])) {
      const operation = methods[method];
      groups.get(operation.tags[0])?.push(operationPart(method, path, operation));
    }
  }
  for (const [name, parts] of groups) group(name, `group-${name}`, parts);
  const schemas = Object.entries(api.components.schemas);
  group("Schemas", "schemas", schemas.map(([name, schema]) => schemaPart(name, schema)));
}

function search() {
  const words = document.getElementById("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const section of document.querySelectorAll("#operations > section")) {
    let here = 0;
    for (const part of section.querySelectorAll("details")) {
      part.hidden = !words.every((word) => part.dataset.text.includes(word));
      if (!part.hidden) here += 1;
    }
    section.hidden = here === 0;
    section.link.hidden = here === 0;
    found += here;
  }
  const status = document.getElementById("status");
  status.textContent = words.length ? `${found} found` : "";
}

// Opens what the address names, so that operations and schemas can be linked to.
function openNamed() {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named?.tagName !== "DETAILS") return;
  named.hidden = false;
  named.closest("section").hidden = false;
  named.open = true;
  named.scrollIntoView();
}

async function start() {
  const answer = await fetch("/api/v2.0/openapi.json");
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  api = await answer.json();
  show();
  document.getElementById("search").addEventListener("input", search);
  document.getElementById("login").addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", openNamed);
  search();
  openNamed();
}

start().catch((error) => {
  document.getElementById("status").textContent = `The document cannot be read: ${error.message}`;
});
