import CPlatform
import SparrowCore

/// Workers that run the tasks of a step's phase together with the calling thread.
///
/// Handing out a phase takes no lock and allocates nothing. The caller publishes the job, then a
/// ticket that says how many of its tasks are left; whoever lowers the ticket by one owns a task.
/// The caller works too and waits for tasks, never for workers: one that the system does not let
/// run delays nobody. Workers spin for a moment between phases and sleep on a futex between
/// inferences.
final class ThreadPool {
  /// Workers, the caller included.
  let count: Int

  private let memory = Region(count: MemoryLayout<State>.size)
  private let state: UnsafeMutablePointer<State>
  private var threads: [OpaquePointer] = []
  private let workers: UnsafeMutablePointer<Worker>

  /// What the caller and the workers share.
  struct State {
    /// Tasks of the job that nobody has taken. It changes by compare-and-swap together with the
    /// job's number in the upper half, so that a late worker cannot take a task of a later job for
    /// one of the job it saw.
    var ticket = sp_atomic64()
    var finished = sp_atomic()
    /// What sleepers sleep on: counts jobs.
    var generation = sp_atomic()
    var sleepers = sp_atomic()
    var stops = sp_atomic()
    /// Written only while no task is taken: the owner of a task may read it.
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
      (workers + index).initialize(to: Worker(state: state, index: index))
      guard let thread = sp_thread_start(ThreadPool.enter, workers + index) else { break }
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
      if count == 1 || tasks == 1 || tasks > Int(Int32.max) {
        for task in 0..<tasks {
          step.body(Work(phase: phase, task: task, worker: 0, memory: memory))
        }
      } else if tasks > 0 {
        share(Job(step: .passUnretained(step), memory: memory, phase: phase, tasks: tasks))
      }
    }
  }

  private func share(_ job: Job) {
    state.pointee.job = job
    sp_atomic_store(&state.pointee.finished, 0)
    let number = sp_atomic64_load(&state.pointee.ticket) >> 32 &+ 1
    sp_atomic64_store(&state.pointee.ticket, number << 32 | UInt64(UInt32(job.tasks)))
    _ = sp_atomic_add(&state.pointee.generation, 1)
    if sp_atomic_load(&state.pointee.sleepers) > 0 {
      sp_atomic_wake_all(&state.pointee.generation)
    }
    ThreadPool.work(state, worker: 0)
    while sp_atomic_load(&state.pointee.finished) < Int32(job.tasks) { sp_cpu_pause() }
  }

  /// Takes tasks until none is left.
  private static func work(_ state: UnsafeMutablePointer<State>, worker: Int) {
    while true {
      let ticket = sp_atomic64_load(&state.pointee.ticket)
      let left = Int(ticket & 0xffff_ffff)
      if left == 0 { return }
      guard sp_atomic64_replace(&state.pointee.ticket, ticket, ticket &- 1) else { continue }
      guard let job = state.pointee.job else { return }
      job.step._withUnsafeGuaranteedRef { step in
        step.body(
          Work(phase: job.phase, task: job.tasks - left, worker: worker, memory: job.memory))
      }
      _ = sp_atomic_add(&state.pointee.finished, 1)
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
      ThreadPool.work(state, worker: worker.index)
    }
  }
}
