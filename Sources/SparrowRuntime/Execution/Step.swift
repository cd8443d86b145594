import SparrowCore

/// One prepared computation of a plan. Immutable, so that several executions can share it.
///
/// A step runs in phases, one after the other; the tasks of a phase are independent of each other
/// and may run on any worker in any order. How work is cut into tasks never changes the result.
public final class Step: @unchecked Sendable {
  public typealias Body = (borrowing Work) -> Void

  /// The number of tasks of each phase.
  public let phases: [Int]
  /// What computes it, for profiles: `f32_spmm avx512`, `copy`, ...
  public let kernel: String
  /// Multiply-adds of one run, counting only those on stored nonzeros.
  public let multiplyAdds: Int
  /// Whether the tasks are worth sharing out: a few microseconds of work are done before another
  /// worker has noticed them.
  let isShared: Bool
  /// The input whose memory output 0 may take over when nobody else needs it; nil for none.
  public let inPlaceInput: Int?
  let body: Body
  /// Multiply-adds of all runs, where their number depends on values; ``multiplyAdds`` is their most.
  let workDone: WorkCount?
  /// What a run of the step found wrong, where it reports ``Failure/said``.
  let complaint: Complaint?

  /// A reason to end a run, in words.
  final class Complaint {
    var reason = ""
  }

  public convenience init(
    phases: [Int], kernel: String, multiplyAdds: Int = 0, inPlaceInput: Int? = nil,
    body: @escaping Body
  ) {
    self.init(
      phases: phases, kernel: kernel, multiplyAdds: multiplyAdds, inPlaceInput: inPlaceInput,
      complaint: nil, body: body)
  }

  init(
    phases: [Int], kernel: String, multiplyAdds: Int = 0, inPlaceInput: Int? = nil,
    workDone: WorkCount? = nil, complaint: Complaint? = nil, body: @escaping Body
  ) {
    self.workDone = workDone
    (self.phases, self.kernel, self.multiplyAdds) = (phases, kernel, multiplyAdds)
    (self.inPlaceInput, self.complaint, self.body) = (inPlaceInput, complaint, body)
    isShared = multiplyAdds == 0 || multiplyAdds >= 131_072
  }

  /// A step of one phase.
  public convenience init(
    tasks: Int = 1, kernel: String, multiplyAdds: Int = 0, inPlaceInput: Int? = nil,
    body: @escaping Body
  ) {
    self.init(
      phases: [tasks], kernel: kernel, multiplyAdds: multiplyAdds, inPlaceInput: inPlaceInput,
      body: body)
  }
}

/// One task of one step, and where its data is.
public struct Work {
  public var phase: Int
  public var task: Int
  /// 0 ..< thread count; unique among tasks that run at the same time.
  public var worker: Int
  let memory: Memory

  @inline(__always)
  public func raw(_ slot: Slot) -> UnsafeMutableRawPointer { memory.table[slot.index] }

  @inline(__always)
  public func pointer<T>(_ slot: Slot, as type: T.Type) -> UnsafeMutablePointer<T> {
    memory.table[slot.index].assumingMemoryBound(to: T.self)
  }

  @inline(__always)
  public func floats(_ slot: Slot) -> UnsafeMutablePointer<Float> {
    pointer(slot, as: Float.self)
  }

  /// Ends the run with an error (the first one reported wins).
  public func fail(_ failure: Failure) { memory.failure.pointee = failure }
}

/// What a step can find wrong with values only known when it runs.
public enum Failure: UInt8, Sendable {
  case none
  case indexOutOfRange
  case divisionByZero
  /// See the step's complaint.
  case said

  public var reason: String {
    switch self {
    case .none: "no failure"
    case .indexOutOfRange: "an index lies outside its axis"
    case .divisionByZero: "integer division by zero"
    case .said: "it does not compute these values"
    }
  }
}

/// A place in an execution's address table: a value, or scratch memory of one step.
public struct Slot: Hashable, Sendable {
  let index: Int
}

/// The addresses of every slot in one execution.
struct Memory {
  let table: UnsafeMutablePointer<UnsafeMutableRawPointer>
  let failure: UnsafeMutablePointer<Failure>
}
