import SparrowCore
import SparrowFormats

/// Text written beside its path, which appears there on ``commit()``. Letting go of it without leaves
/// nothing behind: for an output that must not be there when another one fails.
public struct StagedText {
  private let file: AtomicFile

  public init(_ text: String, to path: String) throws(SparrowError) {
    do throws(FormatError) {
      file = try AtomicFile(path)
      try file.write(Array(text.utf8))
    } catch {
      throw .format(error)
    }
  }

  /// Renames the text to its path. The last thing to call.
  public func commit() throws(SparrowError) {
    do throws(FormatError) { try file.commit() } catch { throw .format(error) }
  }
}

/// Writes text to `path`: beside it, and renamed there when it is complete.
public func writeText(_ text: String, to path: String) throws(SparrowError) {
  try StagedText(text, to: path).commit()
}
