import CKernels
import SparrowCore

/// What an operator is given to turn one node into a ``Step``: concrete shapes, constants, kernels.
public struct Preparation {
  /// One input or output of the node.
  public struct Operand {
    public let dtype: DType
    public let shape: [Int]
    /// The value where it is constant.
    public let constant: Tensor?
    /// Where a computed value has zeros in every run: a mask of bool; nil where that is not known.
    var mask: Tensor? = nil
    var value: ValueID
    /// Where its elements are, in elements, if not one after the other: only what ``NodeFolding``
    /// arranged with the operator.
    var strides: [Int]?
    public var count: Int { shape.elementCount }
  }

  /// For messages.
  public let label: String
  /// nil where an optional input is left out.
  public let inputs: [Operand?]
  public let outputs: [Operand]
  public let kernels: UnsafePointer<sp_kernel_table>
  /// The number of workers that may run tasks at the same time.
  public let threads: Int

  private(set) var denseInputs: Set<ValueID> = []
  private(set) var scratchSizes: [Int] = []
  let firstScratchSlot: Int
  let weights: WeightCache
  /// What multiplies by the node's constant weight; nil where the cost model decides.
  var kernel: WeightKernel?
  /// What ``GateFolding`` says of a convolution's channels; nil where all are computed.
  var gates: ConvolutionGates?
  /// What ``NodeFolding`` wants a product's result multiplied by.
  var resultScale: Float = 1

  init(
    label: String, inputs: [Operand?], outputs: [Operand],
    kernels: UnsafePointer<sp_kernel_table>, threads: Int, firstScratchSlot: Int,
    weights: WeightCache
  ) {
    self.weights = weights
    (self.label, self.inputs, self.outputs) = (label, inputs, outputs)
    (self.kernels, self.threads, self.firstScratchSlot) = (kernels, threads, firstScratchSlot)
  }

  /// A required input.
  public func input(_ i: Int) throws(RuntimeError) -> Operand {
    guard i < inputs.count, let operand = inputs[i] else {
      throw .unsupported(node: label, reason: "input \(i) is missing")
    }
    return operand
  }

  /// Input `i`; nil where it is left out.
  public func optional(_ i: Int) -> Operand? { i < inputs.count ? inputs[i] : nil }

  /// Where the step reads an operand when it runs, as dense row-major elements.
  ///
  /// A constant whose slot nobody asks for (its step keeps a packed copy) is never expanded.
  public mutating func slot(_ operand: Operand) -> Slot {
    denseInputs.insert(operand.value)
    return Slot(index: operand.value.index)
  }

  /// Memory of `bytes` that only this step uses while it runs, aligned to 64 bytes.
  public mutating func scratch(bytes: Int) -> Slot {
    scratchSizes.append(bytes)
    return Slot(index: firstScratchSlot + scratchSizes.count - 1)
  }

  /// The error for something the runtime does not compute.
  public func unsupported(_ reason: String) -> RuntimeError {
    .unsupported(node: label, reason: reason)
  }

  /// A number of tasks for `work` (about its elements or multiply-adds): 1 where threads would cost
  /// more than they save, else enough to balance, at most `limit`. Depends on the shapes and not on
  /// the thread count, so that results do not either.
  public func tasks(work: Int, limit: Int) -> Int {
    max(1, min(limit, work / 16_384, 64))
  }
}
