import Foundation
import SparrowCore

/// Activations of all batches that later layers read: in memory up to a budget, and beyond it in
/// files, mapped, that have no name any more and so vanish with the process.
final class ActivationStore {
  private struct Key: Hashable {
    var value: ValueID
    var batch: Int
  }

  /// Shared by the stores of one run.
  final class Budget {
    /// Bytes of activations kept in memory.
    let limit: Int
    fileprivate var used = 0
    /// Bytes in files at present, and the most there were.
    fileprivate var spilled = 0
    fileprivate(set) var mostSpilled = 0
    fileprivate let folder: String
    fileprivate var files = 0

    init(limit: Int, folder: String) { (self.limit, self.folder) = (limit, folder) }
  }

  private let budget: Budget
  private var tensors: [Key: (tensor: Tensor, isSpilled: Bool)] = [:]

  init(_ budget: Budget) { self.budget = budget }

  func tensor(_ value: ValueID, batch: Int) -> Tensor? {
    tensors[Key(value: value, batch: batch)]?.tensor
  }

  func keep(_ tensor: Tensor, _ value: ValueID, batch: Int) throws(CompressError) {
    let bytes = tensor.storedByteCount
    var entry = (tensor: tensor, isSpilled: false)
    if budget.used + bytes > budget.limit {
      entry = (try spill(tensor), true)
      budget.spilled += bytes
      budget.mostSpilled = max(budget.mostSpilled, budget.spilled)
    } else {
      budget.used += bytes
    }
    tensors[Key(value: value, batch: batch)] = entry
  }

  func forget(_ value: ValueID, batch: Int) {
    guard let entry = tensors.removeValue(forKey: Key(value: value, batch: batch)) else { return }
    let bytes = entry.tensor.storedByteCount
    if entry.isSpilled { budget.spilled -= bytes } else { budget.used -= bytes }
  }

  private func spill(_ tensor: Tensor) throws(CompressError) -> Tensor {
    guard let bytes = tensor.denseBytes, bytes.count > 0 else { return tensor }
    budget.files += 1
    let path = budget.folder + "/activations-\(getpid())-\(budget.files)"
    let data = Data(
      bytesNoCopy: UnsafeMutableRawPointer(mutating: bytes.pointer), count: bytes.count,
      deallocator: .none)
    defer { unlink(path) }
    guard FileManager.default.createFile(atPath: path, contents: data) else {
      throw .spill(folder: budget.folder)
    }
    do throws(FileError) {
      let mapped = Bytes(try Region(mapping: path))
      return Tensor(dtype: tensor.dtype, shape: tensor.shape, bytes: mapped)
    } catch {
      throw .spill(folder: budget.folder)
    }
  }
}
