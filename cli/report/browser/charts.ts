/// <reference lib="dom" />
import { BarChart, CustomChart, LinesChart } from "echarts/charts";
import {
  DataZoomComponent,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TooltipComponent,
} from "echarts/components";
import { type EChartsType, init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import type { CustomSeriesRenderItem } from "echarts";
import type { ReportData } from "../reportData.ts";
import { formatTime, element, formatNumber, formatDuration } from "./format.ts";

use([BarChart, CustomChart, LinesChart, DataZoomComponent, GridComponent, LegendComponent, MarkLineComponent]);
use([TooltipComponent, CanvasRenderer]);

type Option = Record<string, unknown>;

const drawn = new Map<string, EChartsType>();
addEventListener("resize", () => drawn.forEach((chart) => chart.resize()));

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
/** Name of the colour of each outcome of an attempt. */
const OUTCOME_COLOURS: Record<string, string> = {
  done: "done",
  failed: "dead",
  timeout: "dead",
  lost: "lost",
  released: "released",
};

/** Escapes text for a tooltip, which is HTML. */
const escapeHtml = (text: string) => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

/** Draws a chart, or only its changes, so that a reader's zoom stays. */
function draw(id: string, option: Option): void {
  const chart = drawn.get(id) ?? init(element(id));
  drawn.set(id, chart);
  chart.resize();
  chart.setOption({
    animation: false,
    textStyle: { color: colour("dim"), fontFamily: "system-ui, sans-serif" },
    backgroundColor: colour("back"),
    grid: { left: 60, right: 24, top: 30, bottom: 40 },
    ...option,
  });
}

const axis = (more: Option): Option => ({
  axisLabel: { color: colour("dim"), hideOverlap: true },
  axisLine: { lineStyle: { color: colour("line") } },
  splitLine: { lineStyle: { color: colour("line") } },
  ...more,
});

const box = (formatter: (params: { data: unknown; seriesName: string; dataIndex: number }) => string): Option => ({
  formatter,
  confine: true,
  backgroundColor: colour("back"),
  borderColor: colour("line"),
  textStyle: { color: colour("text") },
});

/** The end of a lane's name, as far as there is room: pods of a Job differ at the end. */
const lastPart = (name: string, max: number) => (name.length <= max ? name : `…${name.slice(1 - max)}`);

function drawTimeline({ timeline, start, end }: ReportData): void {
  const { lanes, bars, links, cells, width } = timeline;
  element("timeline").style.height = `${Math.max(9, 5 + lanes.length * (lanes.length > 40 ? 0.7 : 1.4))}rem`;
  const at = (offset: number) => start + offset;
  const boxes = bars.length
    ? bars.map(([lane, from, to, outcome], i) => {
        return { value: [lane, at(from), at(to)] as const, fill: OUTCOME_COLOURS[outcome] ?? "other", opacity: 1, i };
      })
    : cells.map(([lane, slice, busy, , bad], i) => {
        const from = at(slice * width);
        const look = bad ? { fill: "dead", opacity: 1 } : { fill: "done", opacity: 0.15 + 0.85 * busy };
        return { value: [lane, from, from + width] as const, ...look, i };
      });
  const rectangle: CustomSeriesRenderItem = (params, api) => {
    const { value, fill, opacity } = boxes[params.dataIndex]!;
    const [lane, from, to] = value;
    const [left, top] = api.coord([from, lane]) as [number, number];
    const [right] = api.coord([to, lane]) as [number, number];
    const height = (api.size!([0, 1]) as number[])[1]! * 0.7;
    const { x, width: wide } = params.coordSys as unknown as { x: number; width: number };
    // Whole pixels: a short bar is as strong in colour as a long one.
    const l = Math.round(Math.max(left, x));
    const r = Math.round(Math.min(Math.max(right, left + 2), x + wide));
    if (r <= l) return null;
    return {
      type: "rect",
      shape: { x: l, y: top - height / 2, width: r - l, height },
      style: { fill: colour(fill), opacity },
    };
  };
  const tip = ({ data }: { data: unknown }) => {
    const { i } = data as { i: number };
    if (bars.length) {
      const [lane, from, to, outcome, id, item] = bars[i]!;
      return `${escapeHtml(item)} (${id})<br>${outcome}, ${formatDuration(to - from)}, from ${formatTime(at(from))}<br>${escapeHtml(lanes[lane]!)}`;
    }
    const [lane, slice, busy, ended, bad] = cells[i]!;
    const what = `${Math.round(busy * 100)} % busy, ${formatNumber(ended)} attempts ended, ${formatNumber(bad)} failed or lost`;
    return `${escapeHtml(lanes[lane]!)}<br>${formatTime(at(slice * width))}<br>${what}`;
  };
  const room = Math.min(150, element("timeline").clientWidth * 0.3);
  draw("timeline", {
    grid: { left: room, right: 24, top: 10, bottom: 70 },
    tooltip: box(tip),
    dataZoom: [
      { type: "slider", bottom: 8, height: 20, filterMode: "none" },
      { type: "inside", zoomOnMouseWheel: "ctrl", filterMode: "none" },
    ],
    xAxis: axis({ type: "time", min: start, max: Math.max(end, start + 1) }),
    yAxis: axis({
      type: "category",
      data: lanes,
      inverse: true,
      splitLine: { show: false },
      axisLabel: { color: colour("dim"), formatter: (lane: string) => lastPart(lane, room / 7) },
    }),
    series: [
      {
        type: "custom",
        progressive: 0,
        renderItem: rectangle,
        data: boxes,
        clip: true,
        encode: { x: [1, 2], y: 0 },
      },
      {
        type: "lines",
        zlevel: 0,
        coordinateSystem: "cartesian2d",
        silent: true,
        symbol: ["none", "arrow"],
        symbolSize: 6,
        lineStyle: { color: colour("dead"), type: "dashed", width: 1, opacity: 0.8, curveness: 0.15 },
        data: links.map(([from, to]) => ({
          coords: [
            [at(bars[from]![2]), lanes[bars[from]![0]]],
            [at(bars[to]![1]), lanes[bars[to]![0]]],
          ],
        })),
      },
    ],
  });
}

function drawThroughput({ throughput: { width, done, dead }, start }: ReportData): void {
  const perSecond = (list: number[]) => list.map((n, i) => [start + (i + 0.5) * width, (n * 1000) / width]);
  const name = { done: "done", dead: "failed" };
  const series = (["done", "dead"] as const).map((outcome) => ({
    type: "bar",
    stack: "all",
    name: name[outcome],
    barCategoryGap: "10%",
    large: true,
    itemStyle: { color: colour(outcome) },
    data: perSecond(outcome === "done" ? done : dead),
  }));
  draw("throughput", {
    legend: { top: 0, right: 24, textStyle: { color: colour("dim") } },
    tooltip: {
      ...box(() => ""),
      trigger: "axis",
      formatter: (params: { dataIndex: number }[]) => {
        const i = params[0]!.dataIndex;
        return `${formatTime(start + i * width)}, ${formatDuration(width)}<br>${formatNumber(done[i]!)} done, ${formatNumber(dead[i]!)} failed`;
      },
    },
    xAxis: axis({ type: "time", splitLine: { show: false } }),
    yAxis: axis({ type: "value", name: "items/s", nameTextStyle: { color: colour("dim") } }),
    series,
  });
}

/** Durations as labels that differ. */
function edgeNames(edges: number[]): string[] {
  const names = edges.map(formatDuration);
  return new Set(names).size === names.length ? names : edges.map((ms) => `${formatNumber(Math.round(ms))}ms`);
}

function drawDurations({ durations }: ReportData): void {
  if (!durations) return;
  const { edges, counts } = durations;
  const names = edgeNames(edges).slice(0, counts.length);
  const place = (ms: number) =>
    Math.max(
      0,
      edges.findLastIndex((edge, i) => edge <= ms && i < counts.length),
    );
  const marks = (["p50", "p95", "p99"] as const).map((name, i) => ({
    name,
    xAxis: place(durations[name]),
    label: { formatter: name, color: colour("text"), distance: 2 + 12 * i },
  }));
  draw("durations", {
    grid: { left: 60, right: 24, top: 50, bottom: 40 },
    tooltip: box(
      ({ dataIndex: i }) =>
        `${edgeNames(edges)
          .slice(i, i + 2)
          .join(" to ")}: ${formatNumber(counts[i]!)} items`,
    ),
    xAxis: axis({ type: "category", data: names }),
    yAxis: axis({ type: "value", name: "items", minInterval: 1, nameTextStyle: { color: colour("dim") } }),
    series: [
      {
        type: "bar",
        data: counts,
        barCategoryGap: "5%",
        itemStyle: { color: colour("other") },
        markLine: { symbol: "none", silent: true, lineStyle: { color: colour("text") }, data: marks },
      },
    ],
  });
}

/** Draws all charts; again if they were drawn before. */
export function drawCharts(data: ReportData): void {
  drawTimeline(data);
  drawThroughput(data);
  drawDurations(data);
}
