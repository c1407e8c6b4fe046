// Asks the page's own server, and asks again each minute while somebody looks.

/** The JSON at an address below `/page/data`; throws with the server's own words. */
export async function get(path, query = {}, signal) {
  const response = await fetch(`/page/data/${path}?${new URLSearchParams(query)}`, { signal });
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Error(answer?.error?.message ?? `the server answered ${response.status}`);
  return answer;
}

/** Calls back some seconds into each minute, when its points have come, unless the page is hidden. */
export function eachMinute(callback) {
  const DELAY = 5000;
  const wait = 60000 - ((Date.now() - DELAY) % 60000);
  setTimeout(() => {
    if (!document.hidden) callback();
    eachMinute(callback);
  }, wait);
}
