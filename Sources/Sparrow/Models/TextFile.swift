import SparrowCore
import SparrowFormats

/// Writes text to `path`: beside it, and renamed there when it is complete.
public func writeText(_ text: String, to path: String) throws(SparrowError) {
  do throws(FormatError) {
    let file = try AtomicFile(path)
    try file.write(Array(text.utf8))
    try file.commit()
  } catch {
    throw .format(error)
  }
}
