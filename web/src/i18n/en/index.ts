import { admin } from './admin.ts';
import { common } from './common.ts';
import { desk } from './desk.ts';
import { reports } from './reports.ts';

export const en = { ...admin, ...common, ...desk, ...reports } as const;
