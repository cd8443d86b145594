import SparrowArchitectures
import SparrowCompress
import SparrowCore
import SparrowFormats
import SparrowPasses
import SparrowRuntime
import SparrowTrain

/// Why something asked of Sparrow cannot be done.
public enum SparrowError: Error {
  /// A file that cannot be read or written, in any format but `.sparrow`.
  case format(FormatError)
  /// A `.sparrow` file that cannot be read.
  case container(ContainerError)
  /// A model that cannot be planned or run.
  case runtime(model: String, RuntimeError)
  /// A model that cannot be rewritten.
  case passes(model: String, PassError)
  /// A model that cannot be compressed as asked.
  case compression(model: String, CompressError)
  /// A network that cannot be built as asked.
  case architecture(ArchitectureError)
  /// A model that cannot be trained as asked.
  case training(model: String, TrainError)
  /// A path whose extension is none of a known format's.
  case unknownFormat(path: String, expected: String)
  /// A recipe that cannot be read.
  case recipe(file: String, reason: String)
  /// Tensors or data that are not what the model takes, or that a setting does not fit.
  case badInput(String)
  /// Settings that exclude each other or are out of range.
  case badSetting(String)
  /// Something planned that this version does not do.
  case unavailable(String)

  /// What was found, what was expected, and what to do.
  public var message: String {
    switch self {
    case .format(let error): error.message
    case .container(let error): error.message
    case .runtime(let model, let error): "\(model): \(error.message)"
    case .passes(let model, let error): "\(model): \(error.message)"
    case .compression(let model, let error): "\(model): \(error.message)"
    case .architecture(let error): error.message
    case .training(let model, let error): "\(model): \(error.message)"
    case .unknownFormat(let path, let expected):
      "cannot tell the format of \(path) by its extension, expected \(expected)"
    case .recipe(let file, let reason): "\(file): \(reason)"
    case .badInput(let reason), .badSetting(let reason), .unavailable(let reason): reason
    }
  }
}
