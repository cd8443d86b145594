/// Why a model cannot be given the inputs that were asked for.
public enum InputError: Error, Equatable {
  /// Tensors or shapes that are not what the model takes.
  case input(String)
  /// What was asked for contradicts itself or is not understood.
  case setting(String)

  /// What was found, what was expected, and what to do.
  public var message: String {
    switch self {
    case .input(let text), .setting(let text): text
    }
  }
}
