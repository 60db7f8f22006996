import { createClient, createConfig } from '@codex-k8s/contracts/staff/client';
import { createPinia } from 'pinia';
import type { App } from 'vue';
import { createMemoryHistory, type Router } from 'vue-router';
import type { EventStream } from '../app/api.ts';
import { createConsole } from '../app/create-console.ts';
import { aMe, anAgent, aPlatform, aProject } from './builders.ts';
import { plainEditors } from './plain-editors.ts';
import { createMockApi, type Handlers, type MockApi, type Operation } from './mock-api.ts';

export class FakeStream implements EventStream {
  readonly address: string;
  readyState = 1;
  readonly #listeners: { readonly type: string; readonly listener: (message: MessageEvent<string>) => void }[] = [];

  constructor(address: string) {
    this.address = address;
  }
  addEventListener(type: string, listener: (message: MessageEvent<string>) => void): void {
    this.#listeners.push({ type, listener });
  }
  close(): void {
    this.readyState = 2;
  }
  emit(type: string, data: unknown = {}): void {
    const message = new MessageEvent(type, { data: JSON.stringify(data) });
    for (const known of this.#listeners) if (known.type === type) known.listener(message);
  }
}

const waitMs = 4_000;
const usual: Handlers = {
  getMe: () => aMe(),
  getPlatform: () => aPlatform(),
  listApprovals: () => ({ items: [] }),
  listProjects: () => ({ items: [aProject()] }),
  listAgents: () => ({ items: [anAgent()] }),
};

/** The whole console in the test's window, over a mock API. What it cannot find it waits for. */
export class TestConsole {
  readonly api: MockApi;
  readonly streams: FakeStream[];
  readonly router: Router;
  readonly #app: App;
  readonly #given: readonly Operation[];

  constructor(app: App, api: MockApi, streams: FakeStream[], given: readonly Operation[]) {
    this.#app = app;
    this.api = api;
    this.streams = streams;
    this.#given = given;
    this.router = app.config.globalProperties.$router;
  }

  get text(): string {
    return (document.body.textContent ?? '').replace(/\s+/g, ' ');
  }

  all(test: string): HTMLElement[] {
    return [...document.querySelectorAll<HTMLElement>(`[data-test="${test}"]`)];
  }

  /** Waits until `look` gives something other than undefined, null or false. */
  async until<T>(what: string, look: () => T): Promise<NonNullable<T>> {
    const deadline = Date.now() + waitMs;
    for (;;) {
      const found = look();
      if (found !== undefined && found !== null && found !== false) return found;
      if (Date.now() > deadline) throw new Error(`Not seen: ${what}. The page says: ${this.text.slice(0, 600)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async sees(words: string): Promise<void> {
    await this.until(`"${words}"`, () => this.text.includes(words));
  }

  async find(test: string, index = 0): Promise<HTMLElement> {
    return this.until(`[data-test=${test}]`, () => this.all(test)[index]);
  }

  async click(test: string, index = 0): Promise<void> {
    (await this.find(test, index)).click();
  }

  async clickText(words: string): Promise<void> {
    const found = await this.until(`a control "${words}"`, () =>
      [...document.querySelectorAll<HTMLElement>('button, a, [role="option"]')].find((element) => element.textContent?.trim() === words),
    );
    found.click();
  }

  /** Types into the first field inside `selector`, or into it. */
  async type(selector: string, words: string): Promise<void> {
    const field = await this.until(selector, () => {
      const found = document.querySelector(selector);
      const isField = found instanceof HTMLInputElement || found instanceof HTMLTextAreaElement || found instanceof HTMLSelectElement;
      return isField ? found : found?.querySelector<HTMLInputElement | HTMLTextAreaElement>('input, textarea:not([aria-hidden="true"])');
    });
    field.value = words;
    field.dispatchEvent(new Event(field instanceof HTMLSelectElement ? 'change' : 'input', { bubbles: true }));
  }

  async submit(selector: string): Promise<void> {
    const form = await this.until(selector, () => document.querySelector<HTMLFormElement>(selector));
    form.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
  }

  press(key: string, code = ''): void {
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key, code, bubbles: true, cancelable: true }));
  }

  async called(operation: Operation): Promise<MockApi['calls'][number]> {
    return this.until(`a call of ${operation}`, () => this.api.calls.findLast((call) => call.operation === operation));
  }

  /** Fails the test for a request without a handler and for a handler that nothing asked. */
  close(): void {
    this.#app.unmount();
    document.body.innerHTML = '';
    const unused = this.#given.filter((operation) => !this.api.calls.some((call) => call.operation === operation));
    if (this.api.unexpected.length > 0) throw new Error(`Requests without a handler: ${this.api.unexpected.join(', ')}`);
    if (unused.length > 0) throw new Error(`Handlers that were never asked: ${unused.join(', ')}`);
  }
}

export async function openConsole(path: string, handlers: Handlers = {}): Promise<TestConsole> {
  const api = createMockApi({ ...usual, ...handlers });
  const streams: FakeStream[] = [];
  document.body.innerHTML = '<div id="app"></div>';
  const history = createMemoryHistory('/');
  history.replace(path);
  const app = createConsole({
    history,
    pinia: createPinia(),
    retries: 0,
    loadTextEditors: async () => plainEditors,
    api: {
      client: createClient(
        createConfig({ baseUrl: 'http://console.test/api/v1', fetch: async (input, init) => api.fetch(new Request(input, init)) }),
      ),
      openStream: (address) => {
        const stream = new FakeStream(address);
        streams.push(stream);
        return stream;
      },
    },
  });
  app.mount('#app');
  const given = Object.keys(handlers) as Operation[]; // the keys of Handlers
  const opened = new TestConsole(app, api, streams, given);
  await opened.router.isReady();
  return opened;
}
