import { KubeConfig, type RequestContext } from '@kubernetes/client-node';

type Dispatcher = NonNullable<ReturnType<RequestContext['getDispatcher']>>;

/** Connections are renewed after this, and with them a certificate that was. */
const keptForMs = 300_000;
/** A kept connection may be dead without saying so; watches and followed logs are not bound by this. */
const answerWithinMs = 60_000;

/** The library opens a connection, with its TLS handshake, for every single request; here they are kept. */
export class LastingKubeConfig extends KubeConfig {
  #kept: { readonly dispatcher: Dispatcher; readonly until: number } | undefined;

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    await super.applySecurityAuthentication(context);
    if (!context.getSignal()) context.setSignal(AbortSignal.timeout(answerWithinMs));
    const made = context.getDispatcher();
    if (!made) return;
    if (!this.#kept || this.#kept.until < Date.now()) {
      void this.#kept?.dispatcher.close(); // when its last request has ended
      this.#kept = { dispatcher: made, until: Date.now() + keptForMs };
    }
    context.setDispatcher(this.#kept.dispatcher);
  }
}
