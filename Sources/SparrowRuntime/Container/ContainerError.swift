import SparrowCore

/// Why a `.sparrow` file could not be read.
public enum ContainerError: Error {
  /// The system refused to open or map the file.
  case file(FileError)
  /// The file does not begin as a container does.
  case notContainer(file: String)
  /// A newer, incompatible version of the format.
  case newerVersion(file: String, found: String, supported: String)
  /// The bytes at `offset` of the file are not what the format allows; nil where they are in a
  /// compressed section, or no single place is at fault.
  case malformed(file: String, offset: Int?, reason: String)
  /// Bytes that are not those once written.
  case checksum(file: String, part: String, found: UInt32, expected: UInt32)
  /// A tensor whose stored parts do not describe it.
  case tensor(file: String, name: String, reason: String)
  /// The network in the file contradicts itself.
  case graph(file: String, GraphError)

  /// What was found, what was expected, and where.
  public var message: String {
    switch self {
    case .file(let error): return error.message
    case .notContainer(let file): return "\(file): this is not a .sparrow file"
    case .newerVersion(let file, let found, let supported):
      return "\(file): its format version is \(found), this program reads up to \(supported): "
        + "a newer version of Sparrow is needed"
    case .malformed(let file, let offset, let reason):
      guard let offset else { return "\(file): \(reason)" }
      return "\(file): at byte \(offset): \(reason)"
    case .checksum(let file, let part, let found, let expected):
      return "\(file): the checksum of \(part) is \(found), expected \(expected): "
        + "the file is damaged"
    case .tensor(let file, let name, let reason): return "\(file): tensor '\(name)': \(reason)"
    case .graph(let file, let error): return "\(file): \(error.message)"
    }
  }

  init(_ error: ReadError, file: String) {
    self = .malformed(file: file, offset: error.offset, reason: error.reason)
  }
}
