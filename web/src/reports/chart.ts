/** The share charts, drawn by ECharts from the page's own colours. Loaded only when a chart is shown. */
import { BarChart, CustomChart } from 'echarts/charts';
import { AriaComponent, GridComponent, TooltipComponent } from 'echarts/components';
import { init, use, type EChartsCoreOption, type EChartsType } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import type { Point } from './share.ts';

use([BarChart, CustomChart, GridComponent, TooltipComponent, AriaComponent, CanvasRenderer]);

export type Chart = EChartsType;

export function begin(element: HTMLElement): Chart {
  return init(element, null, { renderer: 'canvas' });
}

export interface Look {
  readonly by: 'day' | 'line';
  /** How a row is called on the axis. */
  readonly label: (name: string) => string;
  readonly percent: (share: number) => string;
  /** The lines of a point's tooltip. */
  readonly tip: (point: Point) => readonly string[];
}

const token = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Provisional bars are outlined and hatched: the difference is seen without colour. */
function hatch(colour: string, ground: string): { image: HTMLCanvasElement; repeat: 'repeat' } {
  const tile = document.createElement('canvas');
  tile.width = tile.height = 8;
  const brush = tile.getContext('2d');
  if (brush !== null) {
    brush.fillStyle = ground;
    brush.fillRect(0, 0, 8, 8);
    brush.strokeStyle = colour;
    brush.lineWidth = 1.5;
    brush.beginPath();
    for (const shift of [-8, 0, 8]) {
      brush.moveTo(shift, 8);
      brush.lineTo(shift + 8, 0);
    }
    brush.stroke();
  }
  return { image: tile, repeat: 'repeat' };
}

interface Api {
  value(dimension: number): number;
  coord(point: [number, number]): [number, number];
}

/** A whisker from the low to the high end of the range, across the bar's middle. */
function whisker(upright: boolean, colour: string) {
  return (_parameters: unknown, api: Api) => {
    const [at, low, high] = [api.value(0), api.value(1), api.value(2)];
    const [start, end] = upright
      ? [api.coord([at, low]), api.coord([at, high])]
      : [api.coord([low, at]), api.coord([high, at])];
    const line = (x1: number, y1: number, x2: number, y2: number) => ({
      type: 'line',
      shape: { x1, y1, x2, y2 },
      style: { stroke: colour, lineWidth: 1.5 },
    });
    const cap = 4;
    const ends = [start, end].map(([x, y]) =>
      upright ? line(x - cap, y, x + cap, y) : line(x, y - cap, x, y + cap),
    );
    return { type: 'group', children: [line(...start, ...end), ...ends] };
  };
}

export function draw(chart: Chart, points: readonly Point[], look: Look): void {
  const upright = look.by === 'day';
  const [moved, page, words, muted, grid] = [
    token('--data-moved'),
    token('--page'),
    token('--text'),
    token('--muted'),
    token('--data-grid'),
  ];
  const still = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
  const text = { color: muted, fontFamily: token('--font'), fontSize: 12 };
  const names = {
    type: 'category',
    data: points.map((point) => look.label(point.name)),
    inverse: !upright,
    axisTick: { show: false },
    axisLine: { lineStyle: { color: grid } },
    axisLabel: { ...text, width: upright ? undefined : 150, overflow: 'truncate' },
  };
  // Round steps that end where the highest range ends.
  const highest = Math.max(0.05, ...points.map(({ range, share }) => range?.high ?? share ?? 0));
  const step = highest <= 0.1 ? 0.02 : highest <= 0.25 ? 0.05 : highest <= 0.5 ? 0.1 : 0.2;
  const top = Math.min(1, Math.ceil(highest / step - 1e-9) * step);
  const shares = {
    type: 'value',
    min: 0,
    max: top,
    interval: step,
    splitLine: { lineStyle: { color: grid } },
    axisLabel: { ...text, formatter: (value: number) => look.percent(value) },
  };
  const option: EChartsCoreOption = {
    animation: !still,
    animationDuration: 150,
    animationDurationUpdate: 150,
    aria: { enabled: false },
    grid: { left: 8, right: 16, top: 12, bottom: 4, containLabel: true },
    xAxis: upright ? names : shares,
    yAxis: upright ? shares : names,
    tooltip: {
      trigger: 'axis',
      axisPointer: { type: 'shadow' },
      // Drawn on the canvas: a styled HTML tooltip would need inline styles that the page's policy forbids.
      renderMode: 'richText',
      confine: true,
      backgroundColor: token('--raised'),
      borderColor: grid,
      textStyle: { ...text, color: words },
      formatter: (hovered: readonly { dataIndex: number }[]) => {
        const point = points[hovered[0]?.dataIndex ?? -1];
        return point === undefined ? '' : look.tip(point).join('\n');
      },
    },
    series: [
      {
        type: 'bar',
        barMaxWidth: 36,
        barCategoryGap: '36%',
        // Nobody to offer it to is a gap, not a zero.
        data: points.map(({ share, provisional }) => ({
          value: share ?? '-',
          itemStyle: provisional
            ? { color: hatch(moved, page), borderColor: moved, borderWidth: 1.5, borderType: 'dashed' }
            : { color: moved },
        })),
        itemStyle: { borderRadius: 2 },
      },
      {
        type: 'custom',
        silent: true,
        z: 5,
        renderItem: whisker(upright, words),
        encode: upright ? { x: 0, y: [1, 2] } : { x: [1, 2], y: 0 },
        data: points.flatMap(({ range }, index) => (range === null ? [] : [[index, range.low, range.high]])),
      },
    ],
  };
  chart.setOption(option, true);
}
