// Asks the page's own server, and asks again each minute while somebody looks.

/** The JSON at an address below `/page/data`; throws with the server's own words. */
export async function get(path, query = {}, signal) {
  const response = await fetch(`/page/data/${path}?${new URLSearchParams(query)}`, { signal });
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Error(answer?.error?.message ?? `the server answered ${response.status}`);
  return answer;
}

/** Calls back some seconds into each minute, when its points have come; for a hidden page once it is seen. */
export function eachMinute(callback) {
  const DELAY = 5000;
  let isDue = false;
  const call = () => {
    isDue = document.hidden;
    // A server that is away for a while is asked again a minute later.
    if (!isDue) Promise.resolve(callback()).catch(() => {});
  };
  const wait = () => setTimeout(() => {
    call();
    wait();
  }, 60000 - ((Date.now() - DELAY) % 60000));
  document.addEventListener("visibilitychange", () => isDue && call());
  wait();
}
