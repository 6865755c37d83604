/** What every text for Prometheus has in common. */
import { Registry } from 'prom-client';

export const METRICS_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;
