/** The public API: the main job, and what its options and results are made of. */
export { compare, type CompareOptions } from './lab/compare.js';
export { parseMode, formatMode, type Mode } from './core/mode.js';
export { parseFaults, parseLoads, type Fault, type Load, type Observer } from './core/condition.js';
export { parseSysctl, type SysctlSetting } from './core/sysctl.js';
export { defaultRows, rowsOf, type RowSpec } from './core/row.js';
export type { ComparisonEvent } from './core/progress.js';
export type { ComparisonResult, RowResult } from './core/result.js';
export { TcpaliveError, errorCodes, type ErrorCode } from './errors.js';
