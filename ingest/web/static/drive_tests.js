/* Two tests of a minute: reaction time and finger tapping. They run here, and the server judges what was measured.

   Times are read from performance.now() when a finger touches or a key goes down; nothing moves or flashes. */
"use strict";

(() => {
  const REACTION_MS = 60_000;
  const TAPPING_MS = 30_000;
  const WAIT = [2_000, 10_000]; // before the mark, at random, so that nobody learns the rhythm
  const LONGEST = 1_500; // ms that a mark waits for the key
  const TOLD = 1_200; // ms that "Too soon" stands
  const card = document.getElementById("test");
  const part = (name) => card.querySelector(`[data-part=${name}]`);
  const pad = card.querySelector("[data-pad]");
  const left = card.querySelector("[data-left]");
  const said = card.querySelector("[data-said]");
  const form = card.querySelector("form");
  let stopped = () => {};

  /* Calls `pressed` with the time of each touch or key; one held down is one press. */
  function listen(pressed) {
    const touch = (event) => {
      event.preventDefault();
      pressed(performance.now());
    };
    const key = (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      if (!event.repeat) pressed(performance.now());
    };
    pad.addEventListener("pointerdown", touch);
    pad.addEventListener("keydown", key);
    return () => {
      pad.removeEventListener("pointerdown", touch);
      pad.removeEventListener("keydown", key);
    };
  }

  function countdown(until) {
    const show = () => {
      const seconds = Math.max(0, Math.ceil((until - performance.now()) / 1000));
      left.textContent = `${seconds} ${card.dataset.seconds}`;
    };
    show();
    const ticking = setInterval(show, 500);
    return () => clearInterval(ticking);
  }

  function reaction(finish) {
    const end = performance.now() + REACTION_MS;
    const times = [];
    let tooSoon = 0;
    let markedAt = null;
    let waiting = 0;

    function mark() {
      pad.classList.add("marked");
      requestAnimationFrame(() => {
        markedAt = performance.now();
      });
      waiting = setTimeout(() => answered(LONGEST), LONGEST);
    }

    function answered(time) {
      clearTimeout(waiting);
      times.push(time);
      markedAt = null;
      pad.classList.remove("marked");
      said.textContent = `${Math.round(time)} ms`;
      next();
    }

    function next() {
      const wait = WAIT[0] + Math.random() * (WAIT[1] - WAIT[0]);
      const rest = end - performance.now();
      waiting = rest > wait + LONGEST ? setTimeout(mark, wait) : setTimeout(() => finish(times, tooSoon), Math.max(rest, 0));
    }

    const deaf = listen((at) => {
      if (markedAt !== null) return answered(Math.min(at - markedAt, LONGEST));
      if (pad.classList.contains("marked")) return; // pressed in the same frame: neither soon nor a reaction
      clearTimeout(waiting);
      tooSoon += 1;
      said.textContent = card.dataset.early;
      waiting = setTimeout(next, TOLD);
    });
    const quiet = countdown(end);
    next();
    return () => {
      deaf();
      quiet();
      clearTimeout(waiting);
      pad.classList.remove("marked");
    };
  }

  function tapping(finish) {
    const times = [];
    let first = null;
    let quiet = () => {};
    let ending = 0;
    left.textContent = card.dataset.first;
    const deaf = listen((at) => {
      if (first === null) {
        first = at;
        quiet = countdown(first + TAPPING_MS);
        ending = setTimeout(() => finish(times, 0), TAPPING_MS);
      } else if (at - first <= TAPPING_MS) {
        times.push(at - first);
      }
    });
    return () => {
      deaf();
      quiet();
      clearTimeout(ending);
    };
  }

  function show(name) {
    part("before").hidden = name !== "before";
    part("during").hidden = name !== "during";
  }

  function stop() {
    stopped();
    stopped = () => {};
    said.textContent = "";
    show("before");
    card.querySelector("[data-start]").focus();
  }

  function start() {
    show("during");
    said.textContent = "";
    pad.focus();
    const run = card.dataset.kind === "reaction" ? reaction : tapping;
    stopped = run((times, tooSoon) => {
      stopped();
      stopped = () => {};
      pad.disabled = true;
      form.elements.times.value = times.map((time) => time.toFixed(1)).join(",");
      form.elements.too_soon.value = tooSoon;
      form.submit();
    });
  }

  card.querySelector("[data-start]").addEventListener("click", start);
  card.querySelector("[data-stop]").addEventListener("click", stop);
  pad.addEventListener("contextmenu", (event) => event.preventDefault());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && !part("during").hidden) stop(); // timers sleep in a hidden page
  });
})();
