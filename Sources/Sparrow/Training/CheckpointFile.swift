import Foundation
import SparrowCore
import SparrowFormats
import SparrowTrain

/// A run's state in an `.npz` file, which is replaced as a whole: a run that is killed leaves the state
/// before or the state after.
public struct CheckpointFile: CheckpointStore {
  public let path: String

  public init(_ path: String) { self.path = path }

  /// Whether there is one.
  public var exists: Bool { FileManager.default.fileExists(atPath: path) }

  public func save(_ state: [(String, Tensor)]) throws(TrainError) {
    do throws(FormatError) {
      try NPZ.write(state, to: path, compression: .stored)
    } catch {
      throw .checkpoint(error.message)
    }
  }

  public func load() throws(TrainError) -> [String: Tensor]? {
    guard exists else { return nil }
    do throws(FormatError) {
      let archive = try NPZArchive(path: path)
      var state: [String: Tensor] = [:]
      for name in archive.names { state[name] = try archive.tensor(named: name) }
      return state
    } catch {
      throw .checkpoint(
        error.message + "; remove the file to train from the beginning")
    }
  }

  /// Removes the file, and what runs that were killed while they wrote it left beside it: the run is
  /// over.
  public func finish() {
    let files = FileManager.default
    try? files.removeItem(atPath: path)
    let url = URL(fileURLWithPath: path)
    let folder = url.deletingLastPathComponent().path
    let prefix = url.lastPathComponent + "."
    for name in (try? files.contentsOfDirectory(atPath: folder)) ?? [] {
      // Unfinished files have six letters or digits more.
      let rest = name.dropFirst(prefix.count)
      guard name.hasPrefix(prefix), rest.count == 6,
        rest.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) })
      else { continue }
      try? files.removeItem(atPath: folder + "/" + name)
    }
  }
}
