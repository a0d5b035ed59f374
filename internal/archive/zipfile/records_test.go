package zipfile_test

// The format, from APPNOTE.TXT 6.3.10, sections 4.3.7 to 4.3.16 and 4.4; apart
// from the reader's own constants, so that a wrong one is noticed.
const (
	localSignature      = "PK\x03\x04"
	centralSignature    = "PK\x01\x02"
	descriptorSignature = "PK\x07\x08"
	endSignature        = "PK\x05\x06"
	zip64PlaceSignature = "PK\x06\x07"

	localBytes      = 30
	centralBytes    = 46
	descriptorBytes = 16
	endBytes        = 22

	methodStored  = 0
	methodDeflate = 8

	flagEncrypted  = 0x0001
	flagDeflate1   = 0x0002
	flagDeflate2   = 0x0004
	flagDescriptor = 0x0008
	flagUTF8       = 0x0800

	zip64Size = 0xffffffff

	hostDOS  = 0
	hostUnix = 3

	dosDirectory = 0x10
	dosArchive   = 0x20

	modeFile      = 0o100000
	modeDirectory = 0o040000
	modeSymlink   = 0o120000
)
