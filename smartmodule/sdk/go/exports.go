//go:build wasip1

package smartmodule

import "unsafe"

// kept holds what the host was given, so that the collector leaves it alone until the host gives it back.
var kept = map[uint32][]byte{}

//go:wasmexport tm_alloc
func exportAlloc(length uint32) uint32 { return hold(make([]byte, max(length, 1))) }

//go:wasmexport tm_free
func exportFree(pointer, _ uint32) { delete(kept, pointer) }

func hold(bytes []byte) uint32 {
	pointer := uint32(uintptr(unsafe.Pointer(unsafe.SliceData(bytes))))
	kept[pointer] = bytes
	return pointer
}

// give packs the place of a reply; bit 31 says that it is a failure.
func give(bytes []byte, failed bool) uint64 {
	if len(bytes) == 0 {
		if failed {
			return 1 << 31
		}
		return 0
	}
	packed := uint64(hold(bytes))<<32 | uint64(len(bytes))
	if failed {
		packed |= 1 << 31
	}
	return packed
}

func taken(pointer, length uint32) []byte {
	return kept[pointer][:length:length]
}

func checked(err error) uint64 {
	if err != nil {
		return give(failure(err.Error()), true)
	}
	return 0
}

//go:wasmexport tm_describe
func exportDescribe() uint64 {
	if registered == nil {
		return give(failure("the program registers no module: call smartmodule.Filter or one of its like in init"), true)
	}
	return give(registered.description(), false)
}

//go:wasmexport tm_init
func exportInit(pointer, length uint32) uint64 {
	return checked(registered.init(taken(pointer, length)))
}

//go:wasmexport tm_process
func exportProcess(pointer, length uint32) uint64 {
	answered, err := registered.answerTo(taken(pointer, length))
	if err != nil {
		return checked(err)
	}
	return give(answered, false)
}

//go:wasmexport tm_look_back
func exportLookBack(pointer, length uint32) uint64 {
	return checked(registered.lookBackAt(taken(pointer, length)))
}

//go:wasmimport tidemill log
func hostLog(level uint32, text unsafe.Pointer, length uint32)

func log(level Level, text string) {
	hostLog(uint32(level), unsafe.Pointer(unsafe.StringData(text)), uint32(len(text)))
}
