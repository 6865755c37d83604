/** The public API. Everything the command line does, it does through these. */
export { compare, type CompareOptions } from './lab/compare.js';
export { parseMode, formatMode, type Mode } from './core/mode.js';
export type { ComparisonResult, RowResult } from './core/result.js';
export { TcpaliveError, errorCodes, type ErrorCode } from './errors.js';
