import { ApiError, progressType, send } from './client'
import type { HistogramEntry, Seconds, TraceSummary, Window } from './xray'

// What one set of traces is like, or how two compare; docs/console-api.md.

export type Measure = 'ResponseTime' | 'Duration'
export type TraceOrder = 'Newest' | 'Oldest' | 'Slowest' | 'Fastest'

export interface AnalysisQuestion {
  window: Window
  group?: string | undefined
  /** Empty is every trace. */
  filter?: string | undefined
  /** The filter of a second set. */
  compare?: string | undefined
  /** Its time, if it is another than the window. */
  compareWindow?: Window | undefined
  attributes?: readonly string[]
  /** values told of each attribute */
  top?: number
  measure?: Measure
  buckets?: number
  dots?: number
  differences?: number
  /** traces to list of each set */
  traces?: number
  order?: TraceOrder
}

/** How many traces ended each way. Rootless ones have no root yet. */
export interface AnalysisCounts {
  ErrorCount: number
  FaultCount: number
  OkCount: number
  RootlessCount: number
  ThrottleCount: number
  TotalCount: number
}

export interface AnalysisTimes {
  /** traces that have one */
  Count: number
  Histogram: HistogramEntry[]
  P50: Seconds | null
  P90: Seconds | null
  P95: Seconds | null
  P99: Seconds | null
}

/** A trace in the scatter plot; it stands for Count traces near it. */
export interface AnalysisDot {
  Count: number
  Id: string
  Outcome: 'ok' | 'error' | 'throttle' | 'fault' | 'rootless'
  Seconds: Seconds
  Time: Seconds
}

export interface AnalysisSet extends AnalysisCounts {
  /** each dot is one trace */
  AllDots: boolean
  Dots: AnalysisDot[]
  /** traces of the set's own window that keep rules dropped */
  DroppedCount: number
  Duration: AnalysisTimes
  ResponseTime: AnalysisTimes
  Series: (AnalysisCounts & { Time: Seconds })[]
  /** null if none were asked for */
  Traces: TraceSummary[] | null
  /** traces in the set's own window, whatever their set */
  WindowCount: number
}

export interface AnalysisSpread {
  DistinctCount: number
  LeftCount: number
  LeftValueCount: number
  ValueCount: number
  WithCount: number
}

export interface AnalysisFigures extends AnalysisCounts {
  P50: Seconds | null
  P95: Seconds | null
  /** of the traces of the set; null if not all that can have the attribute were examined */
  Share: number | null
}

export type PlainValue = string | number | boolean

export interface AnalysisValue {
  /** matches just the traces with the value */
  FilterExpression: string
  Sets: AnalysisFigures[]
  Value: PlainValue
}

export interface AnalysisAttribute {
  /** every value was counted */
  Complete: boolean
  Eligible: number | null
  Examined: number | null
  Name: string
  Sets: AnalysisSpread[]
  Values: AnalysisValue[]
}

export interface AnalysisDifference {
  Attribute: string
  Counts: number[]
  FilterExpression: string
  Score: number
  Shares: number[]
  Value: PlainValue
}

export interface Analysis {
  Attributes: AnalysisAttribute[]
  BothCount: number
  BucketWidth: Seconds | null
  Compared: number
  Differences: AnalysisDifference[]
  DroppedCount: number
  Sets: AnalysisSet[]
  /** traces in the window */
  TotalCount: number
}

/** How far an analysis is, in traces. */
export interface AnalysisProgress {
  Looked: number
  Read: number
  ToRead: number
  Total: number
}

interface Line {
  Answer?: Analysis
  Error?: { __type: string; Message: string }
  Progress?: AnalysisProgress
}

/** analyse asks for an analysis. onProgress hears how far it is every 200 ms; whoever aborts it ends it at the server too. */
export async function analyse(question: AnalysisQuestion, signal?: AbortSignal, onProgress?: (progress: AnalysisProgress) => void): Promise<Analysis> {
  const { window, group, filter, compare, compareWindow, attributes, top, measure, buckets, dots, differences, traces, order } = question
  const body = {
    StartTime: window.start,
    EndTime: window.end,
    ...(group ? { GroupName: group } : {}),
    ...(filter ? { FilterExpression: filter } : {}),
    ...(compare === undefined ? {} : { Compare: compare }),
    ...(compareWindow ? { CompareStartTime: compareWindow.start, CompareEndTime: compareWindow.end } : {}),
    ...(attributes?.length ? { Attributes: attributes } : {}),
    ...(top ? { Top: top } : {}),
    ...(measure ? { Measure: measure } : {}),
    ...(buckets ? { Buckets: buckets } : {}),
    ...(dots ? { Dots: dots } : {}),
    ...(differences ? { Differences: differences } : {}),
    ...(traces ? { Traces: traces } : {}),
    ...(order ? { Order: order } : {}),
  }
  const answer = await send('/console/api/analysis', { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', Accept: progressType } }, signal)
  for await (const line of lines(answer)) {
    const said = JSON.parse(line) as Line
    if (said.Answer) return said.Answer
    if (said.Error) throw new ApiError(said.Error.__type, 500, said.Error.Message, answer.headers.get('x-amzn-RequestId'))
    if (said.Progress) onProgress?.(said.Progress)
  }
  throw new ApiError('Unreachable', 0, 'The server stopped in the middle of its answer.')
}

/** lines yields the lines of an answer as they come. */
async function* lines(answer: Response): AsyncGenerator<string> {
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      rest += value
      for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
        yield rest.slice(0, end)
        rest = rest.slice(end + 1)
      }
    }
    if (rest.trim() !== '') yield rest
  } catch (reason) {
    if (reason instanceof DOMException && reason.name === 'AbortError') throw reason
    throw new ApiError('Unreachable', 0, 'The connection broke in the middle of the answer.')
  } finally {
    reader.cancel().catch(() => undefined)
  }
}
