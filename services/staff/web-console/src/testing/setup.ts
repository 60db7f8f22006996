/** What a browser has and the test environment lacks. */
class NoResizeObserver implements ResizeObserver {
  observe(): void {
    // sizes do not change in tests
  }
  unobserve(): void {
    // see observe()
  }
  disconnect(): void {
    // see observe()
  }
}

globalThis.ResizeObserver ??= NoResizeObserver;
if (!('visualViewport' in globalThis) || !globalThis.visualViewport) {
  Object.defineProperty(globalThis, 'visualViewport', { value: new EventTarget(), configurable: true });
}
