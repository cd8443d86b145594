import CPlatform
import SparrowCore

/// Workers that run the tasks of a step's phase together with the calling thread.
///
/// Handing out a phase takes no lock and allocates nothing: the caller publishes the job and a new
/// generation number; each worker takes task numbers from one counter until none is left. Workers
/// spin for a moment between phases and sleep on a futex between inferences.
final class ThreadPool {
  /// Workers, the caller included.
  let count: Int

  private let memory = Region(count: MemoryLayout<State>.size)
  private let state: UnsafeMutablePointer<State>
  private var threads: [OpaquePointer] = []
  private let workers: UnsafeMutablePointer<Worker>

  /// What the caller and the workers share.
  struct State {
    var generation = sp_atomic()
    var nextTask = sp_atomic()
    var running = sp_atomic()
    var sleepers = sp_atomic()
    var stops = sp_atomic()
    var job: Job?
  }

  struct Job {
    let step: Unmanaged<Step>
    let memory: Memory
    let phase: Int
    let tasks: Int
  }

  struct Worker {
    let state: UnsafeMutablePointer<State>
    let index: Int
  }

  /// About 20 microseconds of spinning before a worker sleeps.
  private static var spins: Int { 4_000 }

  init(count: Int) {
    state = memory.base.bindMemory(to: State.self, capacity: 1)
    state.initialize(to: State())
    workers = .allocate(capacity: max(1, count))
    var started = 1
    for index in 1..<max(1, count) {
      (workers + started).initialize(to: Worker(state: state, index: started))
      guard let thread = sp_thread_start(ThreadPool.enter, workers + started) else { break }
      threads.append(thread)
      started = index + 1
    }
    self.count = started
  }

  deinit {
    sp_atomic_store(&state.pointee.stops, 1)
    _ = sp_atomic_add(&state.pointee.generation, 1)
    sp_atomic_wake_all(&state.pointee.generation)
    for thread in threads { sp_thread_join(thread) }
    workers.deallocate()
    state.deinitialize(count: 1)
  }

  /// Runs every phase of a step.
  func run(_ step: Step, _ memory: Memory) {
    for phase in step.phases.indices {
      let tasks = step.phases[phase]
      if count == 1 || tasks == 1 {
        for task in 0..<tasks {
          step.body(Work(phase: phase, task: task, worker: 0, memory: memory))
        }
      } else {
        share(Job(step: .passUnretained(step), memory: memory, phase: phase, tasks: tasks))
      }
    }
  }

  private func share(_ job: Job) {
    state.pointee.job = job
    sp_atomic_store(&state.pointee.nextTask, 0)
    sp_atomic_store(&state.pointee.running, Int32(truncatingIfNeeded: count - 1))
    _ = sp_atomic_add(&state.pointee.generation, 1)
    if sp_atomic_load(&state.pointee.sleepers) > 0 {
      sp_atomic_wake_all(&state.pointee.generation)
    }
    ThreadPool.work(job, state, worker: 0)
    while sp_atomic_load(&state.pointee.running) > 0 { sp_cpu_pause() }
  }

  private static func work(_ job: Job, _ state: UnsafeMutablePointer<State>, worker: Int) {
    let step = job.step._withUnsafeGuaranteedRef { $0 }
    while true {
      let task = Int(sp_atomic_add(&state.pointee.nextTask, 1))
      guard task < job.tasks else { return }
      step.body(Work(phase: job.phase, task: task, worker: worker, memory: job.memory))
    }
  }

  private static let enter: @convention(c) (UnsafeMutableRawPointer?) -> Void = { context in
    guard let worker = context?.assumingMemoryBound(to: Worker.self).pointee else { return }
    let state = worker.state
    var seen: Int32 = 0
    while true {
      var spins = 0
      while sp_atomic_load(&state.pointee.generation) == seen {
        spins += 1
        if spins < ThreadPool.spins {
          sp_cpu_pause()
        } else {
          _ = sp_atomic_add(&state.pointee.sleepers, 1)
          sp_atomic_wait(&state.pointee.generation, seen)
          _ = sp_atomic_add(&state.pointee.sleepers, -1)
        }
      }
      seen = sp_atomic_load(&state.pointee.generation)
      if sp_atomic_load(&state.pointee.stops) != 0 { return }
      if let job = state.pointee.job { ThreadPool.work(job, state, worker: worker.index) }
      _ = sp_atomic_add(&state.pointee.running, -1)
    }
  }
}
