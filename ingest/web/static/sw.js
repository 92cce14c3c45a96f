/* The worker behind pushes: it shows each one with its buttons, opens or posts what was tapped, and renews a
   subscription that changed. */
"use strict";

const ANYTHING = { title: "Vagus", body: "Something changed in Vagus." };
/* Buttons by language. Most phones show two, so the likeliest answers come first; a tap beside them opens the page. */
const ANSWERS = {
  en: { none: "Nothing unusual", alcohol: "Drinks", ill: "Unwell", travel: "Travelled" },
  de: { none: "Nichts Ungewöhnliches", alcohol: "Alkohol", ill: "Unwohl", travel: "Gereist" },
};
const CHECK_IN = { en: { "check-in": "Check in" }, de: { "check-in": "Eintragen" } };
const NOTED = { en: "Noted, thank you. Tap to see or change it.", de: "Notiert, danke. Tippe, um es zu sehen oder zu ändern." };

self.addEventListener("push", (event) => event.waitUntil(show(event.data)));
self.addEventListener("notificationclick", (event) => event.waitUntil(tapped(event)));
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

/* Always shows something: a browser takes the permission away from who does not. */
async function show(data) {
  const told = read(data);
  await self.registration.showNotification(told.title, {
    body: told.body,
    tag: told.tag,
    lang: told.lang,
    icon: "/static/icon-192.png",
    actions: buttons(told),
    data: { url: told.navigate, receipt: told.data?.receipt },
  });
  await Promise.allSettled([self.navigator.setAppBadge?.(1), receipt("shown", told.data?.receipt)]);
}

function read(data) {
  try {
    const told = data.json().notification;
    return told.title ? told : ANYTHING;
  } catch {
    return ANYTHING;
  }
}

/* What a message may be answered with at once, by what it is about. */
function buttons(told) {
  const about = String(told.tag).split(/[-:]/)[0];
  const named = { question: ANSWERS, brief: CHECK_IN }[about];
  if (!named) return [];
  const labels = Object.entries(named[told.lang] || named.en);
  return labels.map(([action, title]) => ({ action, title })).slice(0, Notification.maxActions || 2);
}

function tapped({ notification, action }) {
  if (action === "check-in") return open(notification, "/check-in");
  return action ? answer(notification, action) : open(notification);
}

/* Posts the answer, and says in place that it is noted; where that fails, the page asks. */
async function answer(notification, said) {
  const token = notification.data?.receipt;
  const posted = await post("/questions/pressed", { receipt: token, answer: said }).catch(() => undefined);
  if (!posted?.ok) return open(notification);
  await Promise.allSettled([
    self.registration.showNotification(notification.title, {
      body: NOTED[notification.lang] || NOTED.en,
      tag: notification.tag,
      lang: notification.lang,
      icon: "/static/icon-192.png",
      silent: true,
      data: notification.data,
    }),
    receipt("opened", token),
  ]);
}

/* Opens a page of ours, whatever host the message names. */
async function open(notification, page) {
  notification.close();
  const wanted = new URL(page || notification.data?.url || "/today", self.location.origin);
  const here = self.location.origin + wanted.pathname + wanted.search + wanted.hash;
  const tabs = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const tab = tabs.find((each) => each.url === here);
  await Promise.allSettled([
    tab ? tab.focus() : self.clients.openWindow(here),
    receipt("opened", notification.data?.receipt),
  ]);
}

/* Without the former subscription the next page of ours renews it. */
async function renew(event) {
  const former = event.oldSubscription;
  if (!former) return;
  const fresh = event.newSubscription || (await self.registration.pushManager.subscribe(former.options));
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(former.endpoint));
  const replaces = [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  await post("/push/subscribe", { ...fresh.toJSON(), replaces, quiet: true });
}

function receipt(what, token) {
  return token ? post(`/push/${what}`, { receipt: token }) : undefined;
}

function post(address, content) {
  return fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(content),
  });
}
