// A form whose answer is shown once is sent once: of two quick presses of a button, the answer to
// the first is never seen, with the session that it may have begun.
//
//   <form data-once>
//
// Whoever stops the page can send again after a moment.
"use strict";

(() => {
  const WAIT = 5 * 1000; // milliseconds

  for (const form of document.querySelectorAll("form[data-once]")) {
    let sent = -WAIT;
    form.addEventListener("submit", (event) => {
      if (event.timeStamp - sent < WAIT) event.preventDefault();
      else sent = event.timeStamp;
    });
    window.addEventListener("pageshow", () => (sent = -WAIT));
  }
})();
