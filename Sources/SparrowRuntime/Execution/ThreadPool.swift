import CPlatform
import SparrowCore

/// Workers that run the tasks of a step's phase together with the calling thread.
///
/// Handing out a phase takes no lock and allocates nothing. The caller publishes the job, then a
/// ticket for each worker that says how many tasks of its share are left; whoever lowers a ticket by
/// one owns a task. A worker begins with its own share, an equal range of the tasks, so that it meets
/// again what it left in its cache in the step before, and goes on with those of others. The caller
/// works too and waits for tasks, never for workers: one that the system does not let run delays
/// nobody. Workers spin for a moment between phases and sleep on a futex between inferences.
final class ThreadPool {
  /// Workers, the caller included.
  let count: Int

  private let memory = Region(count: MemoryLayout<State>.size)
  private let ticketMemory: Region
  private let state: UnsafeMutablePointer<State>
  private var threads: [OpaquePointer] = []
  private let workers: UnsafeMutablePointer<Worker>

  /// What the caller and the workers share.
  struct State {
    /// For each worker, the tasks of its share that nobody has taken. A ticket changes by
    /// compare-and-swap together with the job's number in its upper half, so that a late worker
    /// cannot take a task of a later job for one of the job it saw.
    let tickets: UnsafeMutablePointer<sp_atomic64>
    let count: Int
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
    let order: Order

    /// The first task of a worker's share.
    @inline(__always)
    func share(_ worker: Int, of count: Int) -> Int { tasks * worker / count }

    /// The next task of a worker's share of which `left` are left.
    @inline(__always)
    func next(_ worker: Int, of count: Int, left: Int) -> Int {
      order == .forward ? share(worker + 1, of: count) - left : share(worker, of: count) + left - 1
    }
  }

  /// In which order a worker takes the tasks of its share. A step that goes the other way than the one
  /// before begins with the results that are still in the cache.
  enum Order {
    case forward
    case backward
  }

  struct Worker {
    let state: UnsafeMutablePointer<State>
    let index: Int
  }

  /// About 20 microseconds of spinning before a worker sleeps.
  private static var spins: Int { 4_000 }

  init(count: Int) {
    // Tickets of workers that could not be started are theirs whom the others help.
    let wanted = max(1, count)
    ticketMemory = Region(count: wanted * MemoryLayout<sp_atomic64>.stride)
    let tickets = ticketMemory.base.bindMemory(to: sp_atomic64.self, capacity: wanted)
    tickets.initialize(repeating: sp_atomic64(), count: wanted)
    state = memory.base.bindMemory(to: State.self, capacity: 1)
    state.initialize(to: State(tickets: tickets, count: wanted))
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
  func run(_ step: Step, _ memory: Memory, _ order: Order = .forward) {
    for phase in step.phases.indices {
      let tasks = step.phases[phase]
      let job = Job(
        step: .passUnretained(step), memory: memory, phase: phase, tasks: tasks, order: order)
      if count == 1 || tasks == 1 || !step.isShared || tasks > Int(Int32.max) {
        ThreadPool.runAlone(job, step)
      } else if tasks > 0 {
        share(job)
      }
    }
  }

  /// Runs every phase of a step on the calling thread, as worker 0.
  static func runAlone(_ step: Step, _ memory: Memory, _ order: Order = .forward) {
    for phase in step.phases.indices {
      runAlone(
        Job(
          step: .passUnretained(step), memory: memory, phase: phase, tasks: step.phases[phase],
          order: order), step)
    }
  }

  private static func runAlone(_ job: Job, _ step: Step) {
    for done in 0..<job.tasks {
      let task = job.next(0, of: 1, left: job.tasks - done)
      step.body(Work(phase: job.phase, task: task, worker: 0, memory: job.memory))
    }
  }

  /// Runs `body` for 0 ..< `count` on all workers.
  func forEach(_ count: Int, _ body: (Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      var none = UnsafeMutableRawPointer(state)
      var failure = Failure.none
      withUnsafeMutablePointer(to: &none) { table in
        withUnsafeMutablePointer(to: &failure) { failure in
          let step = Step(tasks: count, kernel: "") { body($0.task) }
          run(step, Memory(table: table, failure: failure))
        }
      }
    }
  }

  /// The results of `body` for 0 ..< `count`, computed on all workers.
  func map<T: BitwiseCopyable>(_ count: Int, _ initial: T, _ body: (Int) -> T) -> [T] {
    let results = UnsafeMutablePointer<T>.allocate(capacity: max(1, count))
    defer { results.deallocate() }
    results.initialize(repeating: initial, count: count)
    forEach(count) { results[$0] = body($0) }
    return (0..<count).map { results[$0] }
  }

  private func share(_ job: Job) {
    state.pointee.job = job
    sp_atomic_store(&state.pointee.finished, 0)
    let shares = state.pointee.count
    let number = sp_atomic64_load(state.pointee.tickets) >> 32 &+ 1
    for worker in 0..<shares {
      let left = job.share(worker + 1, of: shares) - job.share(worker, of: shares)
      sp_atomic64_store(state.pointee.tickets + worker, number << 32 | UInt64(UInt32(left)))
    }
    _ = sp_atomic_add(&state.pointee.generation, 1)
    if sp_atomic_load(&state.pointee.sleepers) > 0 {
      sp_atomic_wake_all(&state.pointee.generation)
    }
    ThreadPool.work(state, worker: 0)
    while sp_atomic_load(&state.pointee.finished) < Int32(job.tasks) { sp_cpu_pause() }
  }

  /// Takes tasks until none is left, those of the worker's own share first.
  private static func work(_ state: UnsafeMutablePointer<State>, worker: Int) {
    let shares = state.pointee.count
    for i in 0..<shares {
      let owner = (worker + i) % shares
      while let left = take(state.pointee.tickets + owner), let job = state.pointee.job {
        let task = job.next(owner, of: shares, left: left)
        job.step._withUnsafeGuaranteedRef { step in
          step.body(Work(phase: job.phase, task: task, worker: worker, memory: job.memory))
        }
        _ = sp_atomic_add(&state.pointee.finished, 1)
      }
    }
  }

  /// Lowers a ticket by one; what it was. nil where nothing is left.
  @inline(__always)
  private static func take(_ ticket: UnsafeMutablePointer<sp_atomic64>) -> Int? {
    while true {
      let seen = sp_atomic64_load(ticket)
      let left = Int(seen & 0xffff_ffff)
      if left == 0 { return nil }
      if sp_atomic64_replace(ticket, seen, seen &- 1) { return left }
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
