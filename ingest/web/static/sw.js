/* The worker behind pushes: it shows each one, opens what was tapped, and renews a subscription that changed. */
"use strict";

const ANYTHING = { title: "Vagus", body: "Something changed in Vagus." };

self.addEventListener("push", (event) => event.waitUntil(show(event.data)));
self.addEventListener("notificationclick", (event) => event.waitUntil(open(event.notification)));
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

/* Always shows something: a browser takes the permission away from who does not. */
async function show(data) {
  const told = read(data);
  await self.registration.showNotification(told.title, {
    body: told.body,
    tag: told.tag,
    lang: told.lang,
    icon: "/static/icon-192.png",
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

/* Opens a page of ours, whatever host the message names. */
async function open(notification) {
  notification.close();
  const wanted = new URL(notification.data?.url || "/today", self.location.origin);
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
