// Passkeys and security keys. Asks this site what to ask, asks the browser, and sends what it
// answers with the form around the button:
//
//   <form data-key="use" or "make" data-key-ask="address of the options" data-key-autofill?>
//     <input data-key-answer>  <p data-key-says data-cancelled="…" …>  <button data-key-start>
//     <p data-key-without>what is shown without this script</p>
//
// Without it the buttons stay hidden. Nothing starts by itself but the browser's autofill.
"use strict";

(() => {
  const RENEW = 4 * 60 * 1000; // milliseconds; a challenge is accepted for 5 minutes

  const toBytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));

  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=+$/, "");

  const withBytes = (keys) => keys.map((key) => ({ ...key, id: toBytes(key.id) }));

  function readOptions(options) {
    options.challenge = toBytes(options.challenge);
    if (options.user) options.user.id = toBytes(options.user.id);
    if (options.excludeCredentials) options.excludeCredentials = withBytes(options.excludeCredentials);
    if (options.allowCredentials) options.allowCredentials = withBytes(options.allowCredentials);
    return options;
  }

  function writeAnswer(key) {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (key.response[name]) response[name] = toText(key.response[name]);
    }
    if (key.response.getTransports) response.transports = key.response.getTransports();
    return JSON.stringify({
      id: key.id,
      rawId: toText(key.rawId),
      type: key.type,
      response,
      clientExtensionResults: key.getClientExtensionResults(),
    });
  }

  class Refusal extends Error {}
  class NotAsked extends Error {}

  async function fetchOptions(form) {
    const address = new URL(form.dataset.keyAsk, location.href);
    const label = form.elements.namedItem("label");
    if (label) address.searchParams.set("label", label.value);
    const reply = await fetch(address, { headers: { Accept: "application/json" } });
    if (!(reply.headers.get("Content-Type") || "").startsWith("application/json")) {
      throw new NotAsked(); // a prompt or the sign-in page has come in between
    }
    const options = await reply.json();
    if (options.refusal) throw new Refusal(options.refusal);
    return readOptions(options);
  }

  async function ask(form, more) {
    const publicKey = await fetchOptions(form);
    const request = { publicKey, ...more };
    return form.dataset.key === "make"
      ? navigator.credentials.create(request)
      : navigator.credentials.get(request);
  }

  function send(form, key) {
    form.querySelector("[data-key-answer]").value = writeAnswer(key);
    form.submit();
  }

  function say(form, text) {
    const place = form.querySelector("[data-key-says]");
    place.textContent = text;
    place.hidden = !text;
  }

  function explain(form, error) {
    const words = form.querySelector("[data-key-says]").dataset;
    if (error instanceof Refusal) return say(form, error.message);
    if (error.name === "InvalidStateError") return say(form, words.known);
    if (error.name === "NotAllowedError" || error.name === "AbortError") return say(form, words.cancelled);
    if (error.name === "NotSupportedError" || error.name === "SecurityError") return say(form, words.unsupported);
    return say(form, words.failed);
  }

  let autofill = null; // the AbortController of the offer in the browser's autofill

  async function start(form, button) {
    if (!form.reportValidity()) return;
    say(form, "");
    button.disabled = true;
    if (autofill) autofill.abort();
    try {
      send(form, await ask(form));
      return; // the button stays as it is: the page is leaving
    } catch (error) {
      if (error instanceof NotAsked) return form.submit(); // the page itself asks what is missing
      explain(form, error);
    }
    button.disabled = false;
    if (autofill) offerInAutofill(form);
  }

  async function offerInAutofill(form) {
    const isOffered = PublicKeyCredential.isConditionalMediationAvailable;
    if (!isOffered || !(await isOffered.call(PublicKeyCredential))) return;
    for (;;) {
      const controller = (autofill = new AbortController());
      let isOld = false;
      const timer = setTimeout(() => {
        isOld = true;
        controller.abort();
      }, RENEW);
      try {
        const key = await ask(form, { mediation: "conditional", signal: controller.signal });
        return send(form, key);
      } catch (error) {
        if (!isOld) return; // the button was pressed, or the browser does not want to
      } finally {
        clearTimeout(timer);
      }
    }
  }

  function prepare(form) {
    const button = form.querySelector("[data-key-start]");
    form.querySelector("[data-key-without]").hidden = true;
    if (!window.PublicKeyCredential) {
      if (!("keyAutofill" in form.dataset)) {
        say(form, form.querySelector("[data-key-says]").dataset.unsupported);
      }
      return;
    }
    button.hidden = false;
    button.addEventListener("click", () => start(form, button));
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target.tagName !== "INPUT") return;
      event.preventDefault(); // the form is sent with an answer, or not at all
      button.click();
    });
    // A page that comes back from the history must not keep its button as it was when it left.
    window.addEventListener("pageshow", () => (button.disabled = false));
    if ("keyAutofill" in form.dataset) offerInAutofill(form);
  }

  document.querySelectorAll("form[data-key]").forEach(prepare);
})();
