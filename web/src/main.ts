// The beginning: index.html shows the empty frame of the console, which this makes look
// as the reader wants before anything is painted. Only when the frame is on the screen
// the console itself runs, which takes a slow machine some time.
import { applyLook } from './app/look'
import './styles/tokens.css'
import './styles/base.css'
import './styles/frame.css'

applyLook()

/** painted waits until there is something to see; a page in the background is not painted. */
const painted = new Promise<void>((done) => {
  if (document.visibilityState === 'hidden') return done()
  requestAnimationFrame(() => setTimeout(done))
  setTimeout(done, 200)
})

void painted.then(() => {
  // The page that the reader is on its way to is fetched beside what all have in common.
  if (location.pathname === '/') void import('./pages/map/MapPage')
  void import('./app/start').then(({ start }) => start())
})
