// Plays the page's records one by one, and those of the pages after it. Without it the page shows them all.
"use strict";
(() => {
  const box = document.getElementById("replay"), list = document.getElementById("played-lines");
  const state = document.getElementById("player-state"), speed = document.getElementById("speed");
  let next = document.getElementById("next"), timer = 0, coming = [...list.children];

  function say(word) { state.textContent = box.dataset[word]; }

  async function more() {
    if (!next) return;
    const page = new DOMParser().parseFromString(await (await fetch(next.href)).text(), "text/html");
    next = page.getElementById("next");
    coming.push(...page.getElementById("played-lines").children);
    if (!coming.length) await more();
  }

  async function step() {
    if (!coming.length) await more();
    const line = coming.shift();
    if (!line) { pause(); say("ended"); return; }
    line.hidden = false;
    list.prepend(line);
  }

  async function run() {
    await step();
    if (timer) timer = setTimeout(run, 1000 / Number(speed.value));
  }

  function pause() { clearTimeout(timer); timer = 0; say("paused"); }
  function play() { if (!timer) { start(); timer = setTimeout(run, 0); say("playing"); } }

  // what stands on the page is taken away only when somebody wants to see it come
  function start() { if (!box.dataset.begun) { box.dataset.begun = "yes"; list.replaceChildren(); } }

  document.getElementById("player").hidden = false;
  box.addEventListener("click", (event) => {
    switch (event.target.dataset.do) {
      case "play": play(); break;
      case "pause": pause(); break;
      case "step": pause(); start(); step(); break;
    }
  });
})();
