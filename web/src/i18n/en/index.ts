import { common } from './common.ts';
import { desk } from './desk.ts';
import { reports } from './reports.ts';

export const en = { ...common, ...desk, ...reports } as const;
