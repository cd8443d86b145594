import SparrowCore

/// Why a model file could not be read or written.
public enum FormatError: Error {
  /// The system refused to open, write or rename a file.
  case file(FileError)
  /// The bytes are not what the format allows. `offset` counts from the start of `file`; nil where
  /// no single place is at fault.
  case malformed(file: String, offset: Int?, reason: String)
  /// A count or size goes beyond a named limit.
  case overLimit(file: String, offset: Int?, what: String, found: UInt64, limit: UInt64)
  /// The file is well formed and asks for something that Sparrow does not do.
  case unsupported(file: String, offset: Int?, reason: String)
  /// The network in the file contradicts itself.
  case graph(file: String, GraphError)

  /// What was found, what was expected, and where.
  public var message: String {
    switch self {
    case .file(let error): error.message
    case .malformed(let file, let offset, let reason),
      .unsupported(let file, let offset, let reason):
      Self.place(file, offset) + reason
    case .overLimit(let file, let offset, let what, let found, let limit):
      Self.place(file, offset)
        + ReadError.overLimit(offset: offset ?? 0, what: what, found: found, limit: limit).reason
    case .graph(let file, let error): Self.place(file, nil) + error.message
    }
  }

  /// The error of a ``ByteCursor`` over `file`.
  public init(_ error: ReadError, file: String) {
    if case .overLimit(let offset, let what, let found, let limit) = error {
      self = .overLimit(file: file, offset: offset, what: what, found: found, limit: limit)
    } else {
      self = .malformed(file: file, offset: error.offset, reason: error.reason)
    }
  }

  private static func place(_ file: String, _ offset: Int?) -> String {
    offset.map { "\(file): at byte \($0): " } ?? "\(file): "
  }
}
