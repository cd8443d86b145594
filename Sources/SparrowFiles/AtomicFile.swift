import CPlatform
import SparrowCore

/// A file that is written beside its final path and appears there, complete, on ``commit()``.
///
/// Letting go of it without a commit removes what was written, so a failed export leaves nothing
/// behind and an existing file keeps its old contents.
public final class AtomicFile {
  /// The final path.
  public let path: String
  /// Bytes written so far: the offset of the next write.
  public private(set) var count = 0
  private var handle: OpaquePointer?

  /// Opens a temporary neighbour of `path`.
  public init(_ path: String, isExecutable: Bool = false) throws(FormatError) {
    self.path = path
    var handle: OpaquePointer?
    let code = sp_file_create(path, isExecutable, &handle)
    guard code == 0 else {
      throw .file(FileError(path: path, action: "create", code: Int(code)))
    }
    self.handle = handle
  }

  deinit {
    if let handle { sp_file_discard(handle) }
  }

  public func write(_ bytes: UnsafeRawBufferPointer) throws(FormatError) {
    guard let handle else { preconditionFailure("a write after commit") }
    guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
    let code = sp_file_write(handle, base, bytes.count)
    guard code == 0 else {
      throw .file(FileError(path: path, action: "write", code: Int(code)))
    }
    count += bytes.count
  }

  public func write(_ bytes: Bytes) throws(FormatError) {
    try bytes.withUnsafeBytes { raw throws(FormatError) in try write(raw) }
  }

  public func write(_ bytes: [UInt8]) throws(FormatError) {
    // Through a Result: Array.withUnsafeBytes does not carry a typed error.
    let result = bytes.withUnsafeBytes { raw -> Result<Void, FormatError> in
      do throws(FormatError) {
        return .success(try write(raw))
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  /// Flushes the file to disk and renames it to ``path``. The last thing to call.
  public func commit() throws(FormatError) {
    guard let handle else { preconditionFailure("a second commit") }
    self.handle = nil
    let code = sp_file_commit(handle)
    guard code == 0 else {
      throw .file(FileError(path: path, action: "write", code: Int(code)))
    }
  }
}
