/* Pushes in this browser: what the card shows, turning them on and off, and renewing the subscription at each page.

   The card stands on a page or does not. Nothing here asks for the permission but the click on its switch. */
"use strict";

(() => {
  const REMEMBERED = "vagus-push"; // the hash of the endpoint that this browser was last known by
  const LATER = "vagus-push-later";
  const MONTH = 30 * 24 * 3600 * 1000;
  const card = document.getElementById("push");
  const toggle = card?.querySelector("[role=switch]");
  const problem = card?.querySelector("[role=alert]");
  const priming = card?.dataset.prime !== undefined;
  let server = null; // the key of the server, and the browsers it holds by hash
  let worker = null;

  function show(state) {
    if (!card) return;
    for (const part of card.querySelectorAll("[data-state]")) {
      part.hidden = !part.dataset.state.split(" ").includes(state);
    }
    toggle.checked = state === "on";
    toggle.disabled = false;
    card.dataset.shown = state;
    const later = Number(localStorage.getItem(LATER)) + MONTH > Date.now();
    if (priming) card.hidden = later || !["ask", "install", "turned-on"].includes(state);
  }

  function unable() {
    if (!window.isSecureContext) return "insecure";
    if (!("serviceWorker" in navigator)) return "unsupported";
    if (!("PushManager" in window)) return navigator.standalone === false ? "install" : "unsupported";
    return "";
  }

  async function look() {
    const answer = await fetch("/push/state");
    server = answer.ok && !answer.redirected ? await answer.json() : null;
    if (!server) return show("");
    worker = await navigator.serviceWorker.register("/sw.js", { updateViaCache: "none" });
    const subscription = await worker.pushManager.getSubscription();
    const mine = subscription ? await hash(subscription.endpoint) : "";
    const former = [mine, localStorage.getItem(REMEMBERED)].find((each) => each in server.held);
    if (Notification.permission === "denied") return show("denied");
    if (!former) return show("ask");
    if (server.held[former] === "off" || Notification.permission !== "granted") return show("lost");
    if (mine === former && sameKey(subscription)) {
      localStorage.setItem(REMEMBERED, mine);
      return show("on");
    }
    return show((await enlist(former, true)) ? "lost" : "on");
  }

  /* Subscribes and tells the server; answers what went wrong, or nothing. */
  async function enlist(replaces, quiet) {
    const before = await worker.pushManager.getSubscription();
    if (before && (!quiet || !sameKey(before))) await before.unsubscribe();
    const options = { userVisibleOnly: true, applicationServerKey: server.key };
    const subscription = await worker.pushManager.subscribe(options);
    const answer = await post("/push/subscribe", { ...subscription.toJSON(), replaces, quiet });
    if (answer.status === 204) {
      localStorage.setItem(REMEMBERED, await hash(subscription.endpoint));
      return "";
    }
    await subscription.unsubscribe();
    const said = await answer.json().catch(() => ({}));
    return said.error || "That did not work. Please reload the page and try again.";
  }

  async function turnOn() {
    const permission = await Notification.requestPermission();
    if (permission !== "granted") return show(permission === "denied" ? "denied" : "ask");
    const wrong = await enlist(localStorage.getItem(REMEMBERED) || "", false);
    if (wrong) throw new Error(wrong);
    return priming ? show("turned-on") : location.assign("/channels?saved=true");
  }

  async function turnOff() {
    const subscription = await worker.pushManager.getSubscription();
    if (subscription) {
      await post("/push/unsubscribe", { endpoint: subscription.endpoint });
      await subscription.unsubscribe();
    }
    localStorage.removeItem(REMEMBERED);
    location.assign("/channels?saved=true");
  }

  async function flip() {
    const wanted = toggle.checked;
    toggle.disabled = true;
    problem.textContent = "";
    try {
      await (wanted ? turnOn() : turnOff());
    } catch (error) {
      show(wanted ? "ask" : "on");
      problem.textContent = error.name === "Error" ? error.message : "This browser could not do it just now. Please try again later.";
    }
  }

  function notNow() {
    localStorage.setItem(LATER, String(Date.now()));
    card.hidden = true;
  }

  function sameKey(subscription) {
    const key = subscription.options?.applicationServerKey;
    if (!key) return true;
    const text = btoa(String.fromCharCode(...new Uint8Array(key)));
    return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "") === server.key;
  }

  async function hash(endpoint) {
    const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
    return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function post(address, content) {
    return fetch(address, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(content),
    });
  }

  toggle?.addEventListener("change", flip);
  card?.querySelector("[data-later]")?.addEventListener("click", notNow);
  navigator.clearAppBadge?.().catch(() => {});
  const cannot = unable();
  if (cannot) show(cannot);
  else if (card || localStorage.getItem(REMEMBERED)) look().catch(() => show("unsupported"));
})();
