import { onBeforeUnmount, onMounted } from 'vue';

/**
 * Over HTTP/1.1 a browser opens six connections to a host, for all its tabs: streams of tabs that nobody looks at would block the rest.
 */
export function whileVisible({ pause, resume }: { readonly pause: () => void; readonly resume: () => void }): void {
  const listener = (): void => (document.visibilityState === 'hidden' ? pause() : resume());
  onMounted(() => document.addEventListener('visibilitychange', listener));
  onBeforeUnmount(() => document.removeEventListener('visibilitychange', listener));
}
