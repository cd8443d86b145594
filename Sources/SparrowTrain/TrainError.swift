import SparrowCompress
import SparrowCore
import SparrowPasses
import SparrowRuntime

/// Why a network cannot be trained as asked.
public enum TrainError: Error, Equatable {
  /// The network cannot be trained: nothing in it can be changed, or types that training does not do.
  case network(String)
  /// No gradient of the loss can be computed.
  case differentiation(DifferentiationError)
  /// The network cannot be run.
  case runtime(RuntimeError)
  /// Samples that do not fit the network, or the other settings.
  case data(String)
  /// Settings out of range, unknown, or that exclude each other.
  case setting(String)
  /// Masks cannot be chosen as asked.
  case pruning(CompressError)
  /// A checkpoint that cannot be written or read, or belongs to another run.
  case checkpoint(String)
  /// The loss is not a number any more.
  case diverged(epoch: Int, step: Int, rate: Double)
  /// Somebody asked for the end of the run.
  case stopped(step: Int)

  /// What was found, what was expected, and what to do.
  public var message: String {
    switch self {
    case .network(let reason), .data(let reason), .setting(let reason), .checkpoint(let reason):
      reason
    case .differentiation(let error): error.message
    case .runtime(let error): error.message
    case .pruning(let error): error.message
    case .diverged(let epoch, let step, let rate):
      "the loss is no number in step \(step) of epoch \(epoch) at learning rate \(rate): use a smaller "
        + "learning rate, gradient clipping or a warm-up"
    case .stopped(let step): "stopped after \(step) steps"
    }
  }
}
