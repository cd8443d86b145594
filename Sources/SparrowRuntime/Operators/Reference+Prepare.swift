import SparrowCore

extension Preparation {
  /// A step that runs an operator's reference implementation on copies of its operands: for those
  /// that have no faster one. It allocates memory in every run.
  mutating func referenceStep(_ op: Op) -> Step {
    let operands = inputs.map { operand in operand.map { ReferenceOperand($0, slot($0)) } }
    let results = outputs.map { ReferenceOperand($0, slot($0)) }
    let complaint = Step.Complaint()
    return Step(phases: [1], kernel: "reference", complaint: complaint) { work in
      do throws(ComputeError) {
        var tensors: [Tensor?] = []
        for operand in operands { tensors.append(operand?.tensor(work)) }
        let made = try op.compute(Operands(tensors, outputCount: results.count))
        guard made.count == results.count else {
          throw ComputeError("it made \(made.count) outputs, expected \(results.count)")
        }
        for (result, tensor) in zip(results, made) { try result.store(tensor, work) }
      } catch {
        complaint.reason = error.reason
        work.fail(.said)
      }
    }
  }
}

/// An operand of a reference step: what it is, and where.
private struct ReferenceOperand {
  let dtype: DType
  let shape: [Int]
  let constant: Tensor?
  let slot: Slot

  init(_ operand: Preparation.Operand, _ slot: Slot) {
    (dtype, shape, constant) = (operand.dtype, operand.shape, operand.constant)
    self.slot = slot
  }

  func tensor(_ work: borrowing Work) -> Tensor {
    if let constant { return constant }
    let source = work.raw(slot)
    let bytes = Bytes(count: shape.elementCount * dtype.size) { target in
      target.copyMemory(from: UnsafeRawBufferPointer(start: source, count: target.count))
    }
    return Tensor(dtype: dtype, shape: shape, bytes: bytes)
  }

  func store(_ tensor: Tensor, _ work: borrowing Work) throws(ComputeError) {
    guard tensor.dtype == dtype, tensor.shape == shape, let bytes = tensor.dense().denseBytes else {
      throw ComputeError(
        "it made \(TensorType(tensor.dtype, shape: tensor.shape).text), expected "
          + TensorType(dtype, shape: shape).text)
    }
    work.raw(slot).copyMemory(from: bytes.pointer, byteCount: bytes.count)
  }
}
