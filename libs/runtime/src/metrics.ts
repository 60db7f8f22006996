import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

type Labels = Record<string, string | number>;

/** Prometheus metrics of one service; a registry of its own, so that several services can share a process. */
export interface Metrics {
  counter(name: string, help: string, labelNames?: readonly string[]): { inc(labels?: Labels, value?: number): void };
  gauge(name: string, help: string, labelNames?: readonly string[]): { set(labels: Labels, value: number): void };
  histogram(name: string, help: string, labelNames?: readonly string[]): { observe(labels: Labels, seconds: number): void };
  /** The text of `/metrics`. */
  render(): Promise<string>;
}

const buckets = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    counter: (name, help, labelNames = []) => {
      const counter = new Counter({ name, help, labelNames: [...labelNames], registers });
      return { inc: (labels = {}, value = 1) => counter.inc(labels, value) };
    },
    gauge: (name, help, labelNames = []) => {
      const gauge = new Gauge({ name, help, labelNames: [...labelNames], registers });
      return { set: (labels, value) => gauge.set(labels, value) };
    },
    histogram: (name, help, labelNames = []) => {
      const histogram = new Histogram({ name, help, labelNames: [...labelNames], buckets, registers });
      return { observe: (labels, seconds) => histogram.observe(labels, seconds) };
    },
    render: () => registry.metrics(),
  };
}
