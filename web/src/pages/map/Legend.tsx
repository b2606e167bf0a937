import { IconButton } from '../../ui/Button'
import { Icon } from '../../ui/Icon'
import { Popover } from '../../ui/Popover'
import { Mark } from '../../ui/Outcomes'
import { outcomes, outcomeNames } from '../../model/outcome'
import css from './map.module.css'

/** What the drawing means. */
export function Legend() {
  return (
    <Popover label="Legend" className={css.legend} button={<IconButton label="Legend" icon={<Icon name="help" />} />}>
      <h3>Rings: how requests ended</h3>
      <ul>
        {outcomes.map((outcome) => (
          <li key={outcome}>
            <Mark outcome={outcome} /> {outcomeNames[outcome]}
          </li>
        ))}
      </ul>
      <p>Every part that occurs is at least 3 % of the ring, however rare it is.</p>
      <h3>Connections</h3>
      <p>From caller to callee; the thicker, the more calls. Red where 1 % or more were faults, purple where 1 % were throttled, yellow where 5 % were errors.</p>
      <h3>Under each name</h3>
      <p>Average response time, and requests a minute or a second.</p>
    </Popover>
  )
}
