import { useMutation } from '@tanstack/react-query'
import { useMemo } from 'react'
import { putTraceSegments } from '../../api/xray'
import { Missing, useRights } from '../../app/Rights'
import { Button } from '../../ui/Button'
import { Code } from '../../ui/Code'
import { Icon } from '../../ui/Icon'
import { Tabs } from '../../ui/Tabs'
import { toast } from '../../ui/Toasts'
import { sampleTrace, newTraceId, newSegmentId } from './sample'
import css from './map.module.css'

/** The first visit: how to send a trace to this server. */
export function FirstSteps() {
  const { origin, hostname, port, protocol } = window.location
  const address = `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`
  const rights = useRights({ send: 'xray:PutTraceSegments' })
  const send = useMutation({
    mutationFn: async () => {
      const answer = await putTraceSegments(sampleTrace(Date.now() / 1000))
      const refused = answer.UnprocessedTraceSegments[0]
      if (refused) throw new Error(refused.Message)
    },
    onSuccess: () => toast('Sent. The map shows it in a moment.'),
    onError: (error) => toast(error.message, 'failed'),
  })
  const commands = useMemo(() => {
    const now = Math.floor(Date.now() / 1000)
    const document = JSON.stringify({ trace_id: newTraceId(now), id: newSegmentId(), name: 'hello', start_time: now, end_time: now + 0.25, http: { request: { method: 'GET', url: 'http://hello.example/' }, response: { status: 200 } } })
    return {
      curl: `curl ${origin}/TraceSegments --data '${JSON.stringify({ TraceSegmentDocuments: [document] })}'`,
      cli: `aws xray put-trace-segments --endpoint-url ${origin} \\\n  --trace-segment-documents '${document}'`,
      sdk: `export AWS_XRAY_DAEMON_ADDRESS=${address}`,
      aws: `export AWS_ENDPOINT_URL_XRAY=${origin}`,
    }
  }, [origin, address])
  return (
    <div className={css.first}>
      <div className={css.firstBody}>
        <h2>Send your first trace</h2>
        <p className="quiet">This server is at {origin} and has no traces yet. As soon as one arrives, this page shows it.</p>
        <div className={css.sample}>
          <Button look="main" icon={<Icon name="play" />} onPress={() => send.mutate()} isDisabled={send.isPending || !rights.may.send}>
            Send a sample trace
          </Button>
          <span className="quiet">A shop, its payments and a database; the payment fails.</span>
        </div>
        <Missing rights={rights} things="traces from here" />
        <Tabs
          label="Ways to send a trace"
          tabs={[
            {
              id: 'app',
              label: 'Your application',
              content: (
                <>
                  <p>With an X-Ray SDK, start the application with this. Segments go by UDP, sampling rules come by HTTP, from the same port.</p>
                  <Code text={commands.sdk} />
                  <p>With an AWS SDK, or a collector that calls PutTraceSegments:</p>
                  <Code text={commands.aws} />
                </>
              ),
            },
            {
              id: 'curl',
              label: 'curl',
              content: (
                <>
                  <p>One segment of a quarter of a second:</p>
                  <Code text={commands.curl} />
                </>
              ),
            },
            {
              id: 'cli',
              label: 'AWS CLI',
              content: (
                <>
                  <p>The same with the AWS CLI. Any region will do, and any credentials as long as the server has none.</p>
                  <Code text={commands.cli} />
                </>
              ),
            },
          ]}
        />
        <p className={css.waiting} role="status">
          <span className="pulse" /> Waiting for the first trace
        </p>
      </div>
    </div>
  )
}
